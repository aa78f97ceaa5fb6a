"""Commands in narrow terminals, without colours and in pipes."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.cells import cell_len

from tests.unit.cli.commands import SECONDS_OF_A_HANG, environment

ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
QUICK = ["--hidden", "5", "--epochs", "12", "--threads", "1"]
COMMANDS = {
    "train": ["train", "penguins", "--label", "species", *QUICK],
    "regression": ["train", "penguins", "--label", "body_mass_g", "--drop-unlabelled", *QUICK],
    "folds": ["train", "penguins", "--label", "species", "--folds", "3", *QUICK],
    "sweep": [
        "sweep", "penguins", "--label", "species", "--learning-rate", "0.001,0.1", "--optimizer", "sgd,adam", "--seeds",
        "2", *QUICK,
    ],
    "rates": ["find-learning-rate", "penguins", "--label", "species", "--rates", "1e-3..1/4", "--seeds", "2", *QUICK],
    "compare": ["compare", "penguins", "--label", "species", *QUICK],
    "columns": ["columns", "penguins", "--label", "species"],
    "evaluate": ["evaluate", "MODEL", "penguins", "--reliability"],
    "explain": ["explain", "MODEL", "penguins"],
    "row": ["explain", "MODEL", "penguins", "--row", "12"],
    "dependence": ["partial-dependence", "MODEL", "penguins", "--column", "bill_length_mm"],
    "weight": ["loss-against-weight", "MODEL", "penguins"],
    "trace": ["trace", "MODEL", "penguins", "--rows", "1-20"],
    "show": ["show", "MODEL"],
    "predict": ["predict", "MODEL", "--row", "Dream,37.3,16.8,192,3000,male"],
    "verify": ["verify", "MODEL", "penguins"],
    "glossary": ["glossary"],
    "help": ["train", "--help"],
}  # fmt: skip


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = str(tmp_path_factory.mktemp("narrow") / "model.creche")
    run(["train", "penguins", "--label", "species", *QUICK, "-o", path], 80)
    return path


def run(arguments: list[str], columns: int, **variables: str) -> str:
    """Return what a terminal of this many columns shows on standard output."""
    screen, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    known = {**environment(), "TERM": "xterm-256color", **variables}
    known.pop("COLUMNS", None)
    with subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", "creche", *arguments], env=known, stdout=terminal,
        stdin=subprocess.DEVNULL, stderr=subprocess.PIPE,
    ) as child:  # fmt: skip
        os.close(terminal)
        seen = b"".join(_read(screen))
        assert child.stderr is not None
        errors = child.stderr.read().decode()
        assert child.wait(SECONDS_OF_A_HANG) == 0, errors
    os.close(screen)
    return seen.decode().replace("\r\n", "\n")


def _read(screen: int) -> Iterator[bytes]:
    while True:
        try:
            piece = os.read(screen, 65_536)
        except OSError:  # how Linux tells that the other side is closed
            return
        if not piece:
            return
        yield piece


@pytest.mark.parametrize("columns", [40, 60])
@pytest.mark.parametrize("name", COMMANDS)
def test_no_line_is_wider_than_the_terminal(name: str, columns: int, model: str) -> None:
    shown = ESCAPES.sub("", run([model if word == "MODEL" else word for word in COMMANDS[name]], columns))
    lines = shown.splitlines()
    # a line of one word, such as the name of an option, has nowhere to break
    wide = [line for line in lines if cell_len(line) > columns and len(line.split()) > 3]
    assert wide == []
    cut = [line for line in lines if re.search(r"[a-z]…", line) and columns == 60]
    assert [line for line in cut if name not in ("columns", "trace", "glossary")] == []


def test_options_are_whole_in_a_narrow_help() -> None:
    shown = ESCAPES.sub("", run(["evaluate", "--help"], 40))
    assert {"--drop-unlabelled", "--cost-false-positive", "--choose-threshold"} <= set(shown.split())


def test_a_terminal_without_colours_shows_none(model: str) -> None:
    for variables in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
        shown = run(["evaluate", model, "penguins"], 80, **variables)
        assert re.findall(r"\x1b\[[0-9;]*(?:3[0-9]|9[0-7])m", shown) == []
        assert "accuracy" in shown


def test_a_pipe_gets_plain_text_of_80_columns(model: str, tmp_path: Path) -> None:
    variables = {**environment(), "TERM": "xterm-256color"}
    variables.pop("COLUMNS", None)
    command = [sys.executable, "-W", "ignore", "-m", "creche", "evaluate", model, "penguins"]
    piped = subprocess.run(
        command, env=variables, capture_output=True, text=True, check=True, timeout=SECONDS_OF_A_HANG
    )
    assert "\x1b" not in piped.stdout
    assert max(map(cell_len, piped.stdout.splitlines())) <= 80
    assert piped.stdout == ESCAPES.sub("", run(["evaluate", model, "penguins"], 80))
