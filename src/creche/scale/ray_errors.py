"""What Ray's errors say, as sentences, and without the token of the cluster."""

from __future__ import annotations

import os
from typing import Any

from creche.errors import CrecheError

__all__ = ["cause_of", "first_line"]

# Its value is a secret, which Ray might quote.
TOKEN = "RAY_AUTH_TOKEN"


def cause_of(error: Any) -> Exception:
    """Return what a task raised, and as a sentence where the machine lacks the package."""
    cause = error.cause if isinstance(getattr(error, "cause", None), Exception) else error
    text = f"{type(cause).__name__} {cause}"
    if isinstance(cause, ImportError) or "No module named" in text:
        return CrecheError(
            f"cluster: a machine of the cluster lacks a module ({first_line(cause)}); install the same Creche on all "
            "machines, or give ray.init a runtime_env that does"
        )
    return cause if isinstance(cause, CrecheError) else CrecheError(f"cluster: a piece failed: {first_line(cause)}")


def first_line(error: BaseException) -> str:
    """Return the first line of a message, without the token of the cluster."""
    lines = str(error).strip().splitlines()
    line = next((line for line in lines if line.strip()), type(error).__name__)
    token = os.environ.get(TOKEN)
    return (line.replace(token, "…") if token else line).rstrip(".")
