"""The registry of roles, and that each type of names lists the names that are accepted."""

from __future__ import annotations

from typing import Any, get_args

import pytest

from creche.table.reading.options import FORMATS, Format
from creche.table.roles import ENCODERS, INPUT_ROLES, ROLE_DEFINITIONS, ROLES
from creche.table.table import KINDS, Kind


@pytest.mark.parametrize(
    ("type_", "names"),
    [(Kind, KINDS), (Format, FORMATS)],
)
def test_a_type_lists_the_names_that_are_accepted(type_: Any, names: tuple[str, ...]) -> None:
    assert get_args(type_) == names


def test_only_roles_with_an_encoder_are_inputs() -> None:
    assert INPUT_ROLES == ("numeric", "categorical", "boolean", "datetime", "text")
    for role in ROLE_DEFINITIONS.values():
        assert role.is_input == (role.encoder is not None) == (role.name in INPUT_ROLES)
        assert role.kind is None or role.kind in KINDS
        assert role.description


def test_encoders_are_found_by_their_name_in_a_file() -> None:
    assert {name: encoder.role for name, encoder in ENCODERS.items()} == {name: name for name in ENCODERS}
    assert set(ENCODERS) <= set(ROLES)
