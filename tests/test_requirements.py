"""What the Makefile installs while the engine is compiled is what pip would install with the package."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from tools.requirements import requirements

ROOT = Path(__file__).parents[1]

pytestmark = pytest.mark.skipif(not (ROOT / "Makefile").exists(), reason="not a checkout of the project")


def test_they_are_those_of_the_package_and_of_the_extras() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert requirements([]) == project["dependencies"]
    extras = project["optional-dependencies"]
    assert requirements(["dev", "serve"]) == [*project["dependencies"], *extras["dev"], *extras["serve"]]


def test_an_extra_that_does_not_exist_is_an_error() -> None:
    with pytest.raises(KeyError, match="develop"):
        requirements(["develop"])
