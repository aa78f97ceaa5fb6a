"""Runs in the formats of systems that keep and compare them: event files of TensorBoard, and MLflow.

Names are imported when they are first used; `__init__.pyi` lists them.
"""

from __future__ import annotations

from creche._lazy import open_package

__all__ = open_package(__name__)
