"""Messages on standard error: wrapped for a terminal, with options that can be pasted, and in one line for a pipe."""

from __future__ import annotations

import os
import pty
import shlex
import subprocess
from pathlib import Path

import pytest

from creche.cli.messages import wrap_message
from tests.unit.cli.commands import SECONDS_OF_A_HANG, environment, quick_command

TABLE = "Unnamed: 0\tage\ty\n" + "".join(f"{i}\t{i * 7 % 31}\t{i * 3 % 17}\n" for i in range(60))
TRAIN = ["train", "t.tsv", "--label", "y", "--task", "regression", "--epochs", "1", "--threads", "1"]


@pytest.mark.parametrize("width", [20, 40, 60, 200])
def test_words_and_options_stay_whole_and_lines_fit(width: int) -> None:
    message = (
        "creche: dropped column 'Unnamed: 0': a row number (0, 1, 2, …); to keep it, set --column 'Unnamed: 0=numeric' "
        "--duplicates drop, or see creche train --help"
    )
    lines = wrap_message(message, width).split("\n")
    assert " ".join(line.strip() for line in lines) == message
    whole = ("--column 'Unnamed: 0=numeric'", "--duplicates drop", "creche train --help")
    for option in whole:
        assert any(option in line for line in lines)
    for line in lines:
        assert len(line) <= width or line.strip().rstrip(",") in whole


def test_lines_of_a_message_stay_apart() -> None:
    assert wrap_message("creche: one\n\ntwo", 40) == "creche: one\n\ntwo"


def told_by_a_terminal(folder: Path, columns: int) -> str:
    screen, terminal = pty.openpty()
    command = [*quick_command(), *TRAIN]
    with subprocess.Popen(
        command, env=environment() | {"COLUMNS": str(columns)}, cwd=folder, stdout=subprocess.DEVNULL,
        stdin=subprocess.DEVNULL, stderr=terminal,
    ) as child:  # fmt: skip
        os.close(terminal)
        seen = b""
        try:
            while piece := os.read(screen, 65_536):
                seen += piece
        except OSError:  # how Linux tells that the other side is closed
            pass
        assert child.wait(SECONDS_OF_A_HANG) == 0, seen
    os.close(screen)
    return seen.decode().replace("\r\n", "\n")


def test_the_option_of_a_warning_can_be_copied_from_a_narrow_terminal(tmp_path: Path) -> None:
    (tmp_path / "t.tsv").write_text(TABLE)
    told = told_by_a_terminal(tmp_path, 40)
    (line,) = [line for line in told.split("\n") if "--column" in line]
    option = shlex.split(line.partition("--column")[2])
    assert option == ["Unnamed: 0=numeric"]
    assert all(len(line) <= 40 for line in told.split("\n") if "\r" not in line and "\x1b" not in line)


def test_a_pipe_gets_one_line_for_each_message_without_control_characters(tmp_path: Path) -> None:
    (tmp_path / "t.tsv").write_text(TABLE.replace("age", "a\x1b[31mge").replace("\t7\t", "\t\t"))
    done = subprocess.run(
        [*quick_command(), *TRAIN, "--column", "agee=numeric"], env=environment() | {"COLUMNS": "40"},
        cwd=tmp_path, capture_output=True, text=True, check=False, timeout=SECONDS_OF_A_HANG,
    )  # fmt: skip
    assert done.returncode == 2
    assert "a�[31mge" in done.stderr
    assert "\x1b" not in done.stderr
    assert all(line.startswith("creche: ") for line in done.stderr.splitlines())
