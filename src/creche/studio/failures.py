"""What the page is told of an error."""

from __future__ import annotations

import logging

from creche.errors import CrecheError, DivergedError, FileError, TableError
from creche.studio.protocol.views import Failure, FailureCode
from creche.studio.state import RefusedError
from creche.studio.uploads import TooLargeError

__all__ = ["describe_failure"]

LOGGER = logging.getLogger("creche.studio.session")

CODES: dict[type[CrecheError], FailureCode] = {
    TooLargeError: "too_large", TableError: "bad_table", FileError: "bad_table", DivergedError: "diverged",
}  # fmt: skip
"""The others are bad values."""


def describe_failure(error: Exception) -> Failure:
    """Return what the page is told of an error; one that is not Creche's own is logged with its traceback.

    Examples
    --------
    >>> from creche.errors import TableError
    >>> describe_failure(TableError("penguins.csv: has no rows"))
    Failure(code='bad_table', text='penguins.csv: has no rows.', remedy='')

    """
    if isinstance(error, RefusedError):
        return Failure(error.code, str(error), error.remedy)
    if isinstance(error, CrecheError):
        codes = (code for kind, code in CODES.items() if isinstance(error, kind))
        code: FailureCode = next(codes, "bad_value")
        return Failure(code, _end_sentence(str(error)))
    LOGGER.error("a request failed", exc_info=error)
    return Failure("internal", f"The session failed: {type(error).__name__}: {error}.", "The log has details.")


def _end_sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."
