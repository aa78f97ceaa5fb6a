"""How long tests wait for an event before they fail. It bounds what never comes; no test waits for time to pass."""

from __future__ import annotations

__all__ = ["PATIENCE"]

PATIENCE = 120.0
"""Seconds: far beyond what anything takes on the busiest machine."""
