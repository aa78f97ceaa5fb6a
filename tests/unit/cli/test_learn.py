"""``creche learn`` in a terminal and in a pipe, and ``creche glossary``."""

from __future__ import annotations

import codecs
import os
import pty
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest

from creche.learn.chapter import STEPS
from tests.unit.cli.commands import COMMAND, SECONDS_OF_A_HANG, environment, main, process

Out = pytest.CaptureFixture[str]
PROMPT = "q quit: "
SECONDS_BETWEEN = 10  # two presses of Ctrl-C


class Terminal:
    """``creche learn`` in a terminal, as a person sees it."""

    def __init__(self, *arguments: str, columns: int = 80, **more: str) -> None:
        self._screen, terminal = pty.openpty()
        self.seen = ""
        self._decoder = codecs.getincrementaldecoder("utf-8")()  # a character may come in two pieces
        self.child = subprocess.Popen(
            [*COMMAND, "learn", *arguments], stdin=terminal, stdout=terminal, stderr=terminal, start_new_session=True,
            env={**environment(), "TERM": "xterm", "COLUMNS": str(columns), **more},
        )  # fmt: skip
        os.close(terminal)

    def read_until(self, text: str = "") -> str:
        """What is new on the screen up to this text, or to the end."""
        begin = len(self.seen)
        while not text or text not in self.seen[begin:]:
            try:
                piece = os.read(self._screen, 65_536)
            except OSError:  # how Linux tells that the other side is closed
                break
            if not piece:
                break
            self.seen += self._decoder.decode(piece)
        return self.seen[begin:].replace("\r\n", "\n")

    def type(self, text: str) -> None:
        os.write(self._screen, text.encode())

    def interrupt(self) -> int:
        """Press Ctrl-C, again if it came between the prompt and the wait for an answer, where only Enter would help."""
        while True:
            os.killpg(self.child.pid, signal.SIGINT)
            with suppress(subprocess.TimeoutExpired):
                self.child.wait(SECONDS_BETWEEN)
                return self.end()

    def end(self) -> int:
        self.read_until()
        os.close(self._screen)
        return self.child.wait(SECONDS_OF_A_HANG)


def test_enter_goes_on_b_goes_back_and_q_ends() -> None:
    terminal = Terminal()
    assert f"1 of {len(STEPS)}  The table" in terminal.read_until(PROMPT)
    terminal.type("\n")
    assert f"2 of {len(STEPS)}  The network" in terminal.read_until(PROMPT)
    terminal.type("\n")
    third = terminal.read_until(PROMPT)
    assert "3 of" in third
    assert "4 of" not in third
    terminal.type("b\n")
    assert "2 of" in terminal.read_until(PROMPT)
    terminal.type("what?\n")
    terminal.read_until(PROMPT)
    terminal.type("q\n")
    assert terminal.end() == 0
    assert "Traceback" not in terminal.seen
    assert "4 of" not in terminal.seen


@pytest.mark.parametrize("columns", [40, 80])
def test_the_last_steps_without_colours_on_any_terminal(columns: int) -> None:
    terminal = Terminal("--step", str(len(STEPS) - 1), columns=columns, NO_COLOR="1")
    screen = terminal.read_until(PROMPT)
    terminal.type("\n")
    assert terminal.end() == 0
    assert f"{len(STEPS)} of {len(STEPS)}" in terminal.seen
    plain = terminal.seen.replace("\r\n", "\n")
    assert max(map(len, screen.split("\n"))) <= columns
    assert "\x1b[3" not in plain  # no colour


def test_ctrl_c_ends_politely(interruptible: None) -> None:
    terminal = Terminal()
    terminal.read_until(PROMPT)
    terminal.type("\n")
    terminal.read_until(PROMPT)
    assert terminal.interrupt() == 130
    assert "creche: stopped at step 2; to continue: creche learn --step 2" in terminal.seen
    assert "Traceback" not in terminal.seen


def test_the_end_of_input_ends() -> None:
    terminal = Terminal()
    terminal.read_until(PROMPT)
    terminal.type("\x04")
    assert terminal.end() == 0


@pytest.mark.parametrize("arguments", [[], ["--all"]])
def test_a_pipe_gets_everything_without_waiting(arguments: list[str]) -> None:
    done = process("learn", *arguments, given="")
    assert (done.returncode, done.stderr) == (0, "")
    assert [f"{i} of {len(STEPS)}  " in done.stdout for i in range(1, len(STEPS) + 1)] == [True] * len(STEPS)
    assert "\x1b" not in done.stdout
    assert PROMPT not in done.stdout


def test_a_table_of_ones_own(tmp_path: Path, capsys: Out) -> None:
    table = tmp_path / "flowers.csv"
    table.write_text("size,colour,kind\n" + "".join(f"{i % 9},{'rb'[i % 2]},{'xy'[i % 9 > 4]}\n" for i in range(80)))
    given = table.read_text()
    options = ["--label", "kind", "--hidden", "3", "--epochs", "3", "--threads", "1", "--classes", "y,x"]
    assert main(["learn", str(table), *options]) == 0
    out = capsys.readouterr().out
    assert "The classes are numbered: 0 y, 1 x." in out
    done = process("learn", "-", *options, given=given)
    assert done.returncode == 0
    assert "The classes are numbered: 0 y, 1 x." in done.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--step", "99"], f"--step: got 99; needs the number of a step, from 1 to {len(STEPS)}"),
        (["penguins"], "--label: is missing; name the column to predict"),
        (["penguins", "--label", "specis"], "--label: penguins has no column 'specis'; did you mean 'species'?"),
        (["--classes", ""], "--classes: got none; needs the classes, separated by commas, or a name for each value"),
        (["--classes", "Adelie,Adelie,Gentoo"], "--classes: got 'Adelie' twice"),
        (["--classes", "Adelie,Gentoo"], "--classes: label 'species' also has the class 'Chinstrap'"),
        (["nowhere.csv", "--label", "y"], "nowhere.csv: there is no such file"),
    ],
)
def test_mistakes(arguments: list[str], message: str, capsys: Out) -> None:
    assert main(["learn", *arguments]) == 2
    assert capsys.readouterr().err.startswith(f"creche: {message}")


def test_the_glossary(capsys: Out, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    assert main(["glossary"]) == 0
    out = capsys.readouterr().out
    assert "softmax" in out
    assert max(map(len, out.splitlines())) <= 40
    assert main(["glossary", "log", "loss"]) == 0
    assert capsys.readouterr().out.startswith("log loss\n  The mean over rows of -log p")
    assert main(["glossary", "softmx"]) == 2
    assert capsys.readouterr().err.startswith("creche: softmx: is not in the glossary; did you mean 'softmax'?")
