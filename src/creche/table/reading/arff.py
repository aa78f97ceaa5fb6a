"""The head of ARFF files, as Weka, OpenML and KEEL write them: names and types above rows of CSV."""

from __future__ import annotations

import re

from creche.errors import TableError

__all__ = ["read_arff_head"]

RELATION = re.compile(r"(?:[ \t]*(?:%.*)?\r?\n)*[ \t]*@relation\b", re.IGNORECASE)

ATTRIBUTE = re.compile(
    r"""^[ \t]*@attribute\s+(?:'((?:[^'\\\n]|\\.)*)'|"([^"\n]*)"|([^\s{]+))""", re.IGNORECASE | re.MULTILINE
)

DATA = re.compile(r"^[ \t]*@data[ \t]*\r?\n", re.IGNORECASE | re.MULTILINE)

SPARSE = re.compile(r"(?:[ \t]*(?:%.*)?\r?\n)*[ \t]*\{")


def read_arff_head(head: str, source: str) -> tuple[int, tuple[str, ...]] | None:
    r"""Return where the rows of an ARFF file begin and its column names, or None if it is none.

    Raises
    ------
    TableError
        If its rows are sparse.

    Examples
    --------
    >>> read_arff_head("@relation birds\n@attribute mass real\n@attribute 'the kind' {a, b}\n@data\n1.5,a\n", "a.arff")
    (72, ('mass', 'the kind'))
    >>> read_arff_head("mass,kind\n1.5,a\n", "birds.csv") is None
    True

    """
    if RELATION.match(head) is None:
        return None
    data = DATA.search(head)
    if data is None:
        return None
    if SPARSE.match(head, data.end()):
        raise TableError(f"{source}: is an ARFF file with sparse rows; save it with all values, as CSV")
    names = [next(filter(None, match.groups()), "") for match in ATTRIBUTE.finditer(head, 0, data.start())]
    return data.end(), tuple(names)
