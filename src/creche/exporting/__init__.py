"""Models in the formats of other systems: the whole of ONNX, from raw columns to predictions.

Names are imported when they are first used; `__init__.pyi` lists them.
"""

from __future__ import annotations

from creche._lazy import open_package

__all__ = open_package(__name__)
