"""What the page is told of an error."""

from __future__ import annotations

import logging
import re

from creche.errors import CrecheError, DivergedError, FileError, TableError
from creche.studio.protocol.views import Failure, FailureCode
from creche.studio.state import RefusedError
from creche.studio.uploads import TooLargeError

__all__ = ["describe_failure", "write_failure"]

LOGGER = logging.getLogger("creche.studio.session")

CODES: dict[type[CrecheError], FailureCode] = {
    TooLargeError: "too_large", TableError: "bad_table", FileError: "bad_table", DivergedError: "diverged",
}  # fmt: skip
"""The others are bad values."""

ARGUMENT = re.compile(r"^(?:[A-Z]\w*\.)?([a-z]\w*)(?=: got )")
"""The argument that an error is about, perhaps with the class that has it, as in "Adam.weight_decay: got -1"."""


def describe_failure(error: Exception) -> Failure:
    """Return what the page is told of an error; one that is not Creche's own is logged with its traceback.

    Examples
    --------
    >>> from creche.errors import PlanError, TableError
    >>> describe_failure(TableError("penguins.csv: has no rows"))
    Failure(code='bad_table', text='penguins.csv: has no rows.', remedy='')
    >>> describe_failure(PlanError("Adam.weight_decay: got -1.0; needs a number of at least 0")).text
    'Weight decay: got -1.0; needs a number of at least 0.'

    """
    if isinstance(error, RefusedError):
        return Failure(error.code, str(error), error.remedy)
    if isinstance(error, CrecheError):
        codes = (code for kind, code in CODES.items() if isinstance(error, kind))
        code: FailureCode = next(codes, "bad_value")
        return Failure(code, write_failure(str(error)))
    LOGGER.error("a request failed", exc_info=error)
    return Failure("internal", f"The session failed: {type(error).__name__}: {error}.", "The log has details.")


def write_failure(text: str) -> str:
    """Write what an error says as a sentence, in which arguments are called as the page calls them."""
    text = ARGUMENT.sub(lambda found: found[1].replace("_", " ").capitalize(), text)
    return text if text.endswith((".", "!", "?")) else f"{text}."
