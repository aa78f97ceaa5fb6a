"""Embeddings of some columns of a table, drawn by Hypothesis."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from tests.engine.small_plans import GROUPS


@st.composite
def embeddings(draw: st.DrawFn, columns: int) -> tuple[dict[str, Any], ...]:
    """No column is in two of them; a linear embedding has neighbouring columns for each feature."""
    free = draw(st.permutations(range(columns)))
    taken: set[int] = set()
    chosen: list[dict[str, Any]] = []
    for kind in draw(st.lists(st.sampled_from(["linear", "periodic", "category"]), min_size=1, max_size=3)):
        fields: dict[str, Any] = {"kind": kind, "columns": [], "sizes": [], "width": draw(st.integers(1, 20))}
        for first in [column for column in free if column not in taken][: draw(st.integers(1, 20))]:
            if first in taken:
                continue
            size = draw(st.integers(1, 5))
            while kind == "linear" and (first + size > columns or taken & set(range(first, first + size))):
                size -= 1
            taken |= set(range(first, first + size)) if kind == "linear" else {first}
            fields["columns"].append(first)
            fields["sizes"].append(size)
        if kind == "periodic":
            fields |= {"sizes": [], "frequencies": draw(st.integers(1, 6)), "deviation": 0.3}
        fields["parameters"] = draw(st.sampled_from(GROUPS))
        if fields["columns"]:
            chosen.append(fields)
    return tuple(chosen)
