"""The numbers in the prose of a page: each is in its code, in what the code prints, or in a check.

What code prints is compared with what the page shows, and a check, ``<!-- check: EXPRESSION -->``, is evaluated after
the code above it. So a number that is in none of them could be wrong without anybody noticing.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from tools.site.code_blocks import CHECK, FENCED

__all__ = ["CHECKED_PAGES", "Unchecked", "unchecked_numbers"]

CHECKED_PAGES = ("index.md", "tutorial.md")
COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
# Inline code, targets of links and the numbers of list items do not claim anything.
NO_PROSE = re.compile(r"`[^`\n]+`|\]\([^)\s]+\)|^\d+\. ", re.MULTILINE)
NUMBER = re.compile(r"(?<![\w.])\d+(?:,\d{3})*(?:\.\d+)?(?![\w])")


class Unchecked(NamedTuple):
    """A number that nothing on its page supports, and its line."""

    number: str
    line: int


def unchecked_numbers(text: str) -> list[Unchecked]:
    """Return the numbers in the prose of a page that are neither in its code nor in a check.

    Examples
    --------
    >>> page = "# Title\\n\\nOf 344 rows, 19 are empty.\\n\\n```python\\nprint(344)\\n```\\n"
    >>> unchecked_numbers(page)
    [Unchecked(number='19', line=3)]
    >>> unchecked_numbers(page + "\\n<!-- check: table.null_count() == 19 -->\\n")
    []

    """
    supported = {
        number for pattern in (FENCED, CHECK) for block in pattern.finditer(text) for number in _numbers(block[0])
    }
    prose = text
    for pattern in (FENCED, COMMENT, NO_PROSE):
        prose = pattern.sub(lambda found: "\n" * found[0].count("\n") or " ", prose)
    return [
        Unchecked(number, line)
        for line, words in enumerate(prose.splitlines(), 1)
        for number in _numbers(words)
        if number not in supported
    ]


def _numbers(text: str) -> list[str]:
    return [number.replace(",", "") for number in NUMBER.findall(text)]
