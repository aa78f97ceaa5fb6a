"""Progress is shown where a person is watching work that lasts, and nowhere else."""

from __future__ import annotations

import os
import pty
import subprocess
import time
from pathlib import Path

import pytest

from creche.cli import progress
from tests.unit.cli.commands import COMMAND, QUICK, big_csv, environment, process

LASTING = ["--label", "y", "--hidden", "16,16", "--epochs", "8000", "--threads", "1"]


def watched(*arguments: str) -> str:
    """What a terminal shows on standard error."""
    screen, terminal = pty.openpty()
    with subprocess.Popen(
        [*COMMAND, *arguments], env={**environment(), "TERM": "xterm"}, stdout=subprocess.DEVNULL, stderr=terminal
    ) as child:
        os.close(terminal)
        seen = b""
        while True:
            try:
                piece = os.read(screen, 65_536)
            except OSError:  # how Linux tells that the other side is closed
                break
            if not piece:
                break
            seen += piece
        assert child.wait(60) == 0
    os.close(screen)
    return seen.decode()


def test_who_watches_sees_how_far_it_is(tmp_path: Path) -> None:
    table, model = str(big_csv(tmp_path)), str(tmp_path / "model.creche")
    seen = watched("train", table, *LASTING, "-o", model)
    assert "/8000" in seen
    assert "loss 0." in seen
    assert seen.rstrip().endswith("\x1b[2K"), "the last line is wiped away"
    assert "/8000" in watched("verify", model, table, "--threads", "1")
    alone = process("verify", model, table)
    assert "epoch" not in alone.stderr
    assert "\x1b" not in alone.stderr


def test_short_work_and_work_for_machines_show_nothing() -> None:
    assert watched(*QUICK, "--epochs", "2", "--json") == ""


def test_work_that_tells_nothing_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.setattr(progress, "SECONDS_BEFORE_SHOWN", 0.01)
    with progress.show_activity("counting penguins") as shown:
        time.sleep(0.5)
    assert shown is None
    assert "counting penguins" in capsys.readouterr().err
    with progress.show_activity("counting penguins", quiet=True):
        time.sleep(0.1)
    assert capsys.readouterr().err == ""


def test_nothing_moves_while_a_person_is_asked(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.setattr(progress, "SECONDS_BEFORE_SHOWN", 0.01)
    with progress.sweep_progress(quiet=False):
        time.sleep(0.3)
        with progress.pause_display():
            assert "reading the table" in capsys.readouterr().err
            time.sleep(0.3)
            assert "reading the table" not in capsys.readouterr().err
        time.sleep(0.3)
        assert "reading the table" in capsys.readouterr().err
    with progress.pause_display():  # where nothing is shown
        pass
