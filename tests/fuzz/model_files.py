"""Model files changed at random, their digests made right again: `python -m tests.fuzz.model_files --seconds 60`.

Whatever comes of it is a model that predicts or a FileError: no other error, and no more memory than for the true file.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np

import rookery as rk
from tests.unit.files.forge import sealed

KEPT = sorted((Path(__file__).parents[1] / "data" / "kept").rglob("*.rookery"))
NUMBERS = [0, 1, -1, 2, 7, 2**31, 2**53, 2**63, 2**64, -(2**63), 1e308, -1e-308, 0.5]
ODD = [None, True, False, "", "x" * 300, "number", "\u0000", [], {}, [[]], {"kind": "adam"}, *NUMBERS]


def changed_bytes(content: bytes, dice: random.Random) -> bytes:
    """Bits flipped, pieces cut out, doubled or moved."""
    out = bytearray(content)
    for _ in range(dice.randint(1, 4)):
        at = dice.randrange(len(out))
        what = dice.randrange(4)
        if what == 0:
            out[at] ^= 1 << dice.randrange(8)
        elif what == 1:
            del out[at : at + dice.randint(1, 64)]
        elif what == 2:
            out[at:at] = out[at : at + dice.randint(1, 64)]
        else:
            out[at : at + 8] = dice.randbytes(8)
        if len(out) < 16:
            break
    return bytes(out)


def changed_header(content: bytes, dice: random.Random) -> bytes:
    """One or more values of our own header replaced by others, everything around them left true."""
    length = int.from_bytes(content[:8], "little")
    outer = json.loads(content[8 : 8 + length])
    inner = json.loads(outer["__metadata__"]["rookery"])
    for _ in range(dice.randint(1, 3)):
        _change(inner["header"], dice)
    text = json.dumps(inner).replace('{"digest": ', '{"digest":', 1)
    outer["__metadata__"]["rookery"] = text
    if dice.random() < 0.2:
        _change(outer, dice)
    head = json.dumps(outer, separators=(",", ":")).encode()
    head += b" " * (-len(head) % 8)
    return len(head).to_bytes(8, "little") + head + content[8 + length :]


def _change(value: Any, dice: random.Random) -> None:
    """Goes down at random and replaces, removes or repeats what is there."""
    while True:
        keys = list(value) if isinstance(value, dict) else list(range(len(value)))
        if not keys:
            return
        key = dice.choice(keys)
        inside = value[key]
        if isinstance(inside, dict | list) and inside and dice.random() < 0.85:
            value = inside
            continue
        what = dice.randrange(4)
        if what == 0:
            del value[key]
        elif what == 1 and isinstance(value, list):
            value.append(inside)
        elif what == 2 and isinstance(inside, int | float) and not isinstance(inside, bool):
            value[key] = dice.choice(NUMBERS)
        else:
            value[key] = dice.choice(ODD)
        return


def try_one(content: bytes, folder: Path) -> str:
    """'read' or 'refused'; anything else is an error."""
    path = folder / "changed.rookery"
    path.write_bytes(content)
    try:
        model = rk.load(path)
    except rk.FileError:
        return "refused"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            data = rk.datasets.penguins() if model.features.kinds else np.zeros((3, len(model.features.names)))
            model.predict(data)
            repr(model)
        except rk.RookeryError:
            pass  # a column renamed in the header is missing in the table
    return "read"


def changed(content: bytes, dice: random.Random) -> bytes:
    out = changed_header(content, dice) if dice.random() < 0.7 else changed_bytes(content, dice)
    return sealed(out) if dice.random() < 0.9 else out


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    counts = {"read": 0, "refused": 0}
    files = [path.read_bytes() for path in KEPT]
    with tempfile.TemporaryDirectory() as folder:
        for content in files:
            assert try_one(content, Path(folder)) == "read"
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        end = time.monotonic() + given.seconds
        case = given.seed
        while time.monotonic() < end:
            dice = random.Random(case)
            content = changed(dice.choice(files), dice)
            try:
                counts[try_one(content, Path(folder))] += 1
            except BaseException:
                print(f"case {case} (--seed {case}) failed")
                raise
            case += 1
        after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(f"{counts['read']:,} read, {counts['refused']:,} refused; memory rose by {(after - before) / 1024:.0f} MB")


if __name__ == "__main__":
    main()
