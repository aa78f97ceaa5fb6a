"""Commands in narrow terminals, without colours and in pipes."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import shlex
import struct
import subprocess
import termios
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest
from rich.cells import cell_len

from creche.cli.main import COMMANDS
from creche.cli.train import train
from tests.preloaded import preloaded_python
from tests.unit.cli.commands import SECONDS_OF_A_HANG, environment

ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
QUICK = ["--hidden", "5", "--epochs", "12", "--threads", "1"]
SPECIES = ["penguins", "--label", "species", *QUICK]
CALLS = [
    *([name.replace("_", "-"), "--help"] for name in COMMANDS),
    ["train", *SPECIES, "--test-fraction", "0.2"],
    ["train", "penguins", "--label", "body_mass_g", "--drop-unlabelled", *QUICK],
    ["train", *SPECIES, "--folds", "2", "--repeats", "2"],
    ["sweep", *SPECIES, "--learning-rate", "0.001,0.1", "--optimizer", "sgd,adam", "--seeds", "2"],
    ["find-learning-rate", *SPECIES, "--rates", "1e-3..1/4", "--seeds", "2"],
    ["compare", *SPECIES],
    ["columns", "penguins", "--label", "species"],
    ["columns", "penguins", "--label", "body_mass_g"],
    ["show", "MODEL"],
    ["evaluate", "MODEL", "penguins", "--reliability"],
    ["explain", "MODEL", "penguins", "--repeats", "2"],
    ["explain", "MODEL", "penguins", "--row", "12"],
    ["trace", "MODEL", "penguins", "--rows", "1-20", "--neuron", "1:3"],
    ["loss-against-weight", "MODEL", "penguins"],
    ["partial-dependence", "MODEL", "penguins", "--column", "bill_length_mm"],
    ["partial-dependence", "MODEL", "penguins", "--column", "island", "--second", "sex", "--target", "Gentoo"],
    ["predict", "MODEL", "--row", "Dream,37.3,16.8,192,3000,male"],
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
    print(f"<end {number} {code}>", flush=True)
"""


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = str(tmp_path_factory.mktemp("narrow") / "model.creche")
    run(["train", "penguins", "--label", "species", *QUICK, "-o", path], 80)
    return path


def run(arguments: list[str], columns: int, **variables: str) -> str:
    """Return what a terminal of this many columns shows of a command on standard output."""
    return show(["-W", "ignore", "-m", "creche", *arguments], columns, **variables)


def show(arguments: list[str], columns: int, **variables: str) -> str:
    """Return what a terminal of this many columns shows of a Python process on standard output."""
    screen, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    known = {**environment(), "TERM": "xterm-256color", **variables}
    known.pop("COLUMNS", None)
    with subprocess.Popen(
        [*preloaded_python(), *arguments], env=known, stdout=terminal,
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


@pytest.mark.parametrize("columns", [40, 60, 80])
def test_no_line_is_wider_than_the_terminal_and_what_is_indented_stays_so(columns: int, model: str) -> None:
    calls = [[model if word == "MODEL" else word for word in call] for call in CALLS]
    shown = ESCAPES.sub("", show(["-W", "ignore", "-c", CHILD, json.dumps(calls)], columns))
    for number, call in enumerate(CALLS):
        found = re.search(rf"<begin {number}>\n(.*)<end {number} 0>", shown, re.DOTALL)
        assert found is not None, call
        page = "\n".join(line.rpartition("\r")[2] for line in found[1].split("\n"))  # of a bar, the last state
        assert [line for line in page.split("\n") if cell_len(line) > columns] == [], call
        if columns == 60 and call[0] not in ("columns", "trace", "glossary", "learn"):
            assert [line for line in page.split("\n") if re.search(r"[a-z]…", line)] == [], call
        for block in re.split(r"\n\s*\n", page):
            lines = block.strip("\n").split("\n")
            if lines[0].startswith("  ") and not set("●│█") & set(block):  # but drawings
                assert [line for line in lines if line and not line.startswith(" ")] == [], call


def test_options_are_whole_in_a_narrow_help() -> None:
    shown = ESCAPES.sub("", run(["evaluate", "--help"], 40))
    assert {"--drop-unlabelled", "--cost-false-positive", "--choose-threshold"} <= set(shown.split())


@pytest.mark.parametrize("columns", [40, 80])
def test_help_cuts_nothing_and_groups_options(columns: int) -> None:
    shown = ESCAPES.sub("", run(["train", "--help"], columns))
    assert "0=Adelie,1=Gentoo,2=Chinstrap." in "".join(shown.split())
    assert {"Arguments:", "The table:", "The network:", "Training:"} <= set(shown.split("\n"))


@pytest.mark.parametrize("columns", [40, 80])
def test_the_list_of_commands_has_whole_sentences(columns: int) -> None:
    shown = " ".join(ESCAPES.sub("", run(["--help"], columns)).split())
    for name in COMMANDS:
        command = getattr(import_module(f"creche.cli.{name}"), name)
        assert " ".join((command.__doc__ or "").partition("\n\n")[0].split()) in shown


@pytest.mark.parametrize("columns", [40, 80])
def test_examples_of_a_help_can_be_pasted(columns: int) -> None:
    shown = ESCAPES.sub("", run(["train", "--help"], columns))
    found = re.findall(r"^  (creche (?:.*\\\n)*.*)", shown, re.MULTILINE)
    examples = [shlex.split(text.replace("\\\n", "")) for text in found]  # as a shell does
    written = [shlex.split(line) for line in (train.__doc__ or "").splitlines() if line.startswith("    creche ")]
    assert len(written) > 5
    assert examples == written


def test_a_terminal_without_colours_shows_none(model: str) -> None:
    for variables in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
        shown = run(["evaluate", model, "penguins"], 80, **variables)
        assert re.findall(r"\x1b\[[0-9;]*(?:3[0-9]|9[0-7])m", shown) == []
        assert "accuracy" in shown


def test_a_pipe_gets_plain_text_of_80_columns(model: str, tmp_path: Path) -> None:
    variables = {**environment(), "TERM": "xterm-256color"}
    variables.pop("COLUMNS", None)
    command = [*preloaded_python(), "-W", "ignore", "-m", "creche", "evaluate", model, "penguins"]
    piped = subprocess.run(
        command, env=variables, capture_output=True, text=True, check=True, timeout=SECONDS_OF_A_HANG
    )
    assert "\x1b" not in piped.stdout
    assert max(map(cell_len, piped.stdout.splitlines())) <= 80
    assert piped.stdout == ESCAPES.sub("", run(["evaluate", model, "penguins"], 80))
