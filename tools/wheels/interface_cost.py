"""What Python's stable interface costs: python -m tools.wheels.interface_cost, which is `make interface-cost`.

The engine for this machine is bound to Python twice, by the compiler of wheels: for the stable interface, and for the
one version that builds both. Both wheels are installed for that version, and calls are measured in turn with the one
and the other, in a process of its own each time.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from tools.wheels.build import Workshop, build, unpack
from tools.wheels.environments import BuildError, MissingPythonError, find_python
from tools.wheels.fresh import Place, TrialError
from tools.wheels.platforms import INTERFACES, PLATFORMS, Interface, Platform
from tools.wheels.source import build_source, read_epoch
from tools.wheels.trial import install

ROOT = Path(__file__).resolve().parents[2]
INSIDE = Path(__file__).with_name("cost_inside.py")
ROUNDS = 9

Seconds = dict[str, float]


def platform_here() -> Platform:
    """Return the platform of this machine, with the one level that all its processors run."""
    here = os.uname()
    for platform in PLATFORMS.values():
        if (platform.system, platform.machine) == (here.sysname, here.machine):
            return replace(platform, levels=platform.levels[:1])
    raise BuildError(f"no wheels are built for {here.sysname} on {here.machine}, where this runs")


def interfaces_of_one_python() -> tuple[Interface, Interface]:
    """Return the stable interface and that of one version, for the first Python on the path that has both."""
    stable = next(interface for interface in INTERFACES if interface.api)
    for version in stable.versions:
        if find_python(version) is not None:
            tag = f"cp{version.replace('.', '')}"
            own = Interface((version,), f"{tag}-{tag}")
            return Interface((version,), stable.tag, stable.api), own
    raise MissingPythonError(
        f"Python {' or '.join(stable.versions)}: not found on the path; only they have the stable interface that "
        f"nanobind needs. Install one of them as python{stable.versions[0]}, headers included"
    )


def measure(place: Place) -> Seconds:
    found: Seconds = json.loads(place.call(*place.python, str(INSIDE)))
    return found


def compare(stable: Sequence[Seconds], own: Sequence[Seconds]) -> list[str]:
    """Return a line for each call: its median times, and how much longer it takes by the stable interface.

    The third number is the median of the quotients of each round, so that a machine that is busier in some rounds than
    in others matters little; their least and largest are how sure that is.
    """
    lines = []
    for name in own[0]:
        times = [statistics.median(found[name] for found in rounds) for rounds in (own, stable)]
        ratios = [100 * (a[name] / b[name] - 1) for a, b in zip(stable, own, strict=True)]
        lines.append(
            f"{name}: {1e6 * times[0]:.1f} and {1e6 * times[1]:.1f} microseconds, "
            f"{statistics.median(ratios):+.1f} % ({min(ratios):+.1f} to {max(ratios):+.1f})"
        )
    return lines


def build_both(platform: Platform, folder: Path, jobs: int) -> list[tuple[Path, Path]]:
    """Build the wheels of both interfaces, and return each with the Python that it is installed for."""
    environments = folder / "environments"
    epoch = read_epoch(ROOT)
    workshop = Workshop(folder, environments, epoch, jobs)
    unpack(build_source(ROOT, ROOT / "dist", environments, epoch), workshop.source)
    built = []
    for interface in interfaces_of_one_python():
        python = find_python(interface.versions[0])
        assert python is not None
        built.append((build(platform, interface, workshop), python))
    return built


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.wheels.interface_cost")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="how often each wheel is measured")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="how many files to compile at once")
    options = parser.parse_args(arguments)
    try:
        both = build_both(platform_here(), ROOT / "build" / "wheels", options.jobs)
        with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
            stable, own = (
                install(wheel, python, Path(folder)) for (wheel, python), folder in zip(both, (one, other), strict=True)
            )
            rounds = [(measure(stable), measure(own)) for _ in range(options.rounds)]
    except (BuildError, TrialError) as error:
        print(error, file=sys.stderr)
        return 1
    print(f"Python {both[0][1].name.removeprefix('python')}: its own interface, and the stable one")
    print("\n".join(compare([a for a, _ in rounds], [b for _, b in rounds])))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
