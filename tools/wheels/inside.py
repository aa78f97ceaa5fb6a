"""What a fresh environment runs to try a wheel: python inside.py LEVELS, far from the sources.

It uses nothing but the installed package, and stops at the first thing that is not as it should be.
"""

from __future__ import annotations

import platform
import shutil
import sys
import tempfile
from importlib import resources
from pathlib import Path


def main(levels: list[str]) -> None:
    compilers = [name for name in ("cc", "c++", "gcc", "g++", "clang", "zig", "git", "node") if shutil.which(name)]
    assert not compilers, f"the path has {compilers}, so that this environment is none of a user"

    import numpy as np

    import creche as cr
    from creche import _core

    place = Path(cr.__file__).parent
    assert place.is_relative_to(Path(sys.prefix)) or "site" in str(place), f"creche was imported from {place}"
    files = {path.name.partition(".")[0] for path in (place / "_core").iterdir()}
    missing = [level for level in levels if f"_{level}" not in files]
    assert not missing, f"the wheel lacks the levels {missing}"
    assert (resources.files("creche") / "studio" / "page" / "index.html").is_file(), "the wheel lacks the studio's page"

    penguins = cr.datasets.penguins()
    for level in _core.levels():
        assert {"Solo32", "Solo64"} <= set(vars(_core.load(level))), f"{level} lacks a precision"
    run = cr.train(
        penguins, label="species", hidden=[5, 5], optimizer=cr.Adam(0.01), batch_size=20, epochs=100, seed=0
    )  # fmt: skip
    accuracy = run.model.evaluate(penguins).metrics()["accuracy"]
    assert accuracy > 0.9, f"a network that classifies penguins has an accuracy of {accuracy}"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "penguins.creche"
        run.model.save(path)
        again = cr.load(path)
        assert list(again.predict(penguins)) == list(run.model.predict(penguins)), "a model read back differs"
    for level in _core.levels():  # what each engine throws must arrive as an exception of Python
        try:
            _core.load(level).weighted_sums(np.ones((1, 2)), np.zeros(3, np.int32), None, 1)
        except ValueError:
            continue
        raise AssertionError(f"weights of 2 rows and groups of 3 were taken by {level}")
    print(
        f"Python {platform.python_version()} on {platform.machine()}: levels {', '.join(_core.levels())}, "
        f"accuracy {accuracy:.3f}"
    )


if __name__ == "__main__":
    main(sys.argv[1:])
