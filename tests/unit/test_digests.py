"""No byte that training, predicting, encoding and splitting give differs from those of tests/golden/digests.json."""

from __future__ import annotations

import json
import runpy
from pathlib import Path
from typing import Any

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def tool() -> dict[str, Any]:
    """`tools/digests.py`, which also made the file."""
    return runpy.run_path(str(ROOT / "tools" / "digests.py"))


def test_every_result_has_the_bytes_it_had(tool: dict[str, Any]) -> None:
    pytest.importorskip("sklearn")  # the estimators are among the cases
    kept = json.loads((ROOT / "tests" / "golden" / "digests.json").read_text())
    found = tool["digests"]()
    assert len(found) > 500
    wrong = tool["differing"](found, kept)
    assert not wrong, f"{len(wrong)} of {len(kept)} differ: " + "; ".join(wrong[:20])


def test_a_digest_tells_values_types_shapes_and_names_apart(tool: dict[str, Any]) -> None:
    digest = tool["digest"]
    one = np.arange(4, dtype=np.float32)
    different = [
        {"a": one}, {"b": one}, {"a": one.astype(np.float64)}, {"a": one.reshape(2, 2)}, {"a": -one},
        {"a": np.nextafter(one, np.float32(9))}, {"a": one.astype(str)}, {"a": one, "b": one},
    ]  # fmt: skip
    assert len({digest(arrays) for arrays in different}) == len(different)
    assert digest({"a": one, "b": -one}) == digest({"b": -one, "a": one.copy()})
    assert tool["differing"]({"x": "1", "y": "2"}, {"x": "1", "y": "3", "z": "4"}) == ["y", "z"]
