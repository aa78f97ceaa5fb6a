"""Every command in terminals of 40 and 80 columns: nothing is wider, and what is indented stays indented."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest
from rich.cells import cell_len

from creche.cli.main import COMMANDS

TRAINED = ["penguins", "--label", "species", "--epochs", "3", "--threads", "1"]
CALLS = [
    *([name.replace("_", "-"), "--help"] for name in COMMANDS),
    ["train", *TRAINED, "--test-fraction", "0.2"],
    ["train", "penguins", "--label", "body_mass_g", "--drop-unlabelled", "--epochs", "3", "--threads", "1"],
    ["train", *TRAINED, "--folds", "2", "--repeats", "2"],
    ["sweep", *TRAINED, "--hidden", "5,8", "--seeds", "2"],
    ["compare", *TRAINED, "--optimizer", "sgd,adam"],
    ["columns", "penguins", "--label", "body_mass_g"],
    ["show", "MODEL"],
    ["evaluate", "MODEL", "penguins", "--reliability"],
    ["explain", "MODEL", "penguins", "--repeats", "1"],
    ["explain", "MODEL", "penguins", "--row", "12"],
    ["trace", "MODEL", "penguins", "--rows", "1-20", "--neuron", "1:3"],
    ["loss-against-weight", "MODEL", "penguins", "--source", "bill_length_mm"],
    ["partial-dependence", "MODEL", "penguins", "--column", "bill_length_mm"],
    ["partial-dependence", "MODEL", "penguins", "--column", "island", "--second", "sex", "--target", "Gentoo"],
    ["predict", "MODEL", "--row", "Torgersen,39.1,18.7,181,3750,male"],
    ["verify", "MODEL", "penguins"],
    ["learn", "--all"],
    ["glossary"],
    ["glossary", "AUC"],
]

# One process runs all calls, each between two lines that say which it is and how it ended.
CHILD = """
import json, sys
from creche.cli.main import main
for number, call in enumerate(json.loads(sys.argv[1])):
    print(f"<begin {number}>", flush=True)
    code = main(call)
    sys.stderr.flush()
    print(f"<end {number} {code}>", flush=True)
"""
CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b\].*?\x07")


def run_in_terminal(calls: list[list[str]], width: int, folder: Path) -> str:
    """Run calls in a pseudo-terminal of this width, and return what it shows, without colours."""
    terminal, inside = pty.openpty()
    fcntl.ioctl(inside, termios.TIOCSWINSZ, struct.pack("HHHH", 24, width, 0, 0))
    environment = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}
    environment |= {"TERM": "xterm-256color", "PYTHONPATH": os.pathsep.join(sys.path)}
    with open(folder / "errors.txt", "w") as errors:  # lines of errors are broken by the terminal itself
        process = subprocess.Popen(
            [sys.executable, "-c", CHILD, json.dumps(calls)], stdin=inside, stdout=inside, stderr=errors, cwd=folder,
            env=environment,
        )  # fmt: skip
    os.close(inside)
    shown = b""
    with contextlib.suppress(OSError):  # how Linux reports that the other side has closed
        while read := os.read(terminal, 2**16):
            shown += read
    os.close(terminal)
    process.wait()
    return CONTROL.sub("", shown.decode().replace("\r\n", "\n"))


@pytest.mark.parametrize("width", [40, 80])
def test_nothing_is_wider_than_the_terminal(width: int, model_file: Path, tmp_path: Path) -> None:
    calls = [[str(model_file) if word == "MODEL" else word for word in call] for call in CALLS]
    shown = run_in_terminal(calls, width, tmp_path)
    for number, call in enumerate(CALLS):
        found = re.search(rf"<begin {number}>\n(.*)<end {number} 0>", shown, re.DOTALL)
        assert found is not None, (call, (tmp_path / "errors.txt").read_text()[-500:])
        page = "\n".join(line.rpartition("\r")[2] for line in found[1].split("\n"))  # of a bar, the last state
        wide = [line for line in page.split("\n") if cell_len(line) > width]
        assert not wide, call
        for block in re.split(r"\n\s*\n", page):
            lines = block.strip("\n").split("\n")
            if lines[0].startswith("  ") and not set("●│█") & set(block):  # but drawings
                assert not [line for line in lines if line and not line.startswith(" ")], (call, block)
