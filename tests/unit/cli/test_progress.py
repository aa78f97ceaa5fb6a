"""Progress is shown where a person is watching work that lasts, and nowhere else."""

from __future__ import annotations

import os
import pty
import subprocess
import threading
from pathlib import Path

import pytest

from creche.cli import progress
from creche.pages import progress as pages_progress
from tests.preloaded import preloaded_python
from tests.unit.cli.commands import QUICK, SECONDS_OF_A_HANG, big_csv, environment, process, wait_until

LASTING = ["--label", "y", "--hidden", "16,16", "--epochs", "80", "--threads", "1"]
# The command, with all work taken for long, or for short, however fast the machine is.
WATCHED = """
import sys
from creche.cli import main
from creche.pages import progress
progress.SECONDS_BEFORE_SHOWN = float(sys.argv[1])
sys.exit(main(sys.argv[2:]))
"""
LONG, SHORT = 0, 3600


def watched(seconds_before_shown: int, *arguments: str) -> str:
    """What a terminal shows on standard error."""
    screen, terminal = pty.openpty()
    with subprocess.Popen(
        [*preloaded_python(), "-W", "ignore", "-c", WATCHED, str(seconds_before_shown), *arguments],
        env={**environment(), "TERM": "xterm"}, stdout=subprocess.DEVNULL, stderr=terminal,
    ) as child:  # fmt: skip
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
        assert child.wait(SECONDS_OF_A_HANG) == 0
    os.close(screen)
    return seen.decode()


def test_who_watches_sees_how_far_it_is(tmp_path: Path) -> None:
    table, model = str(big_csv(tmp_path)), str(tmp_path / "model.creche")
    seen = watched(LONG, "train", table, *LASTING, "-o", model)
    assert "/80" in seen
    assert "loss 0." in seen
    assert seen.rstrip().endswith("\x1b[2K"), "the last line is wiped away"
    assert "/80" in watched(LONG, "verify", model, table, "--threads", "1")
    alone = process("verify", model, table)
    assert "epoch" not in alone.stderr
    assert "\x1b" not in alone.stderr


def test_short_work_and_work_for_machines_show_nothing() -> None:
    assert watched(SHORT, *QUICK, "--epochs", "2") == ""
    assert watched(LONG, *QUICK, "--epochs", "2", "--json") == ""


def test_work_that_tells_nothing_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.setattr(pages_progress, "SECONDS_BEFORE_SHOWN", 0.01)
    with progress.show_activity("counting penguins") as shown:
        wait_until(lambda: "counting penguins" in capsys.readouterr().err)
    assert shown is None
    capsys.readouterr()
    threads = set(threading.enumerate())
    with progress.show_activity("counting penguins", quiet=True):
        assert set(threading.enumerate()) <= threads, "a thread waits to show something"
    assert capsys.readouterr().err == ""


def test_nothing_moves_while_a_person_is_asked(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.setattr(pages_progress, "SECONDS_BEFORE_SHOWN", 0.01)
    threads = set(threading.enumerate())
    with progress.sweep_progress(quiet=False):
        wait_until(lambda: "reading the table" in capsys.readouterr().err)
        with progress.pause_display():
            for thread in set(threading.enumerate()) - threads:  # those that have shown it end
                thread.join()
            capsys.readouterr()
            assert set(threading.enumerate()) <= threads
            assert capsys.readouterr().err == ""
        wait_until(lambda: "reading the table" in capsys.readouterr().err)
    with progress.pause_display():  # where nothing is shown
        pass
