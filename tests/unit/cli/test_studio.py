"""`creche studio`: started as a process, and the calls that it refuses before a page opens."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import webbrowser
from collections.abc import Callable
from pathlib import Path

import pytest

from creche.errors import FileError
from creche.studio import open as open_studio
from creche.studio import page_files
from creche.studio.server.run import serve
from tests.patience import PATIENCE
from tests.unit.cli.commands import COMMAND, environment, main


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A page, whether or not it was built."""
    (tmp_path / "index.html").write_text("<!doctype html>")
    monkeypatch.setattr(open_studio, "page_folder", lambda: tmp_path)
    return tmp_path


def test_a_taken_port_is_told(page: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert main(["studio", "--no-browser", "--port", str(port)]) == 2
    assert f"--port: {port} is taken by another program" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["no-such.csv"], "no-such.csv"),
        (["--label", "specie"], "did you mean 'species'?"),
        (["--port", "70000"], "--port: got 70000; needs a number from 0 to 65535"),
        (["--host", "192.0.2.77"], "--host: got '192.0.2.77'"),
        (["--max-upload", "0"], "--max-upload: got 0"),
    ],
)
def test_a_wrong_call_is_refused_before_a_page_opens(
    page: Path, arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["studio", "--no-browser", *arguments]) == 2
    assert told in capsys.readouterr().err


def test_a_missing_page_is_told_with_its_cure(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(page_files, "files", lambda _: tmp_path)
    assert main(["studio", "--no-browser"]) == 2
    told = capsys.readouterr().err
    assert "install Node.js 20.19 or newer" in told
    assert "make web" in told


def test_missing_libraries_are_told(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(open_studio, "find_spec", lambda _: None)
    assert main(["studio", "--no-browser"]) == 2
    assert "pip install starlette uvicorn websockets" in capsys.readouterr().err


def test_a_short_token_is_refused(
    page: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CRECHE_STUDIO_TOKEN", "short")
    assert main(["studio", "--no-browser", "--port", "0"]) == 2
    assert "CRECHE_STUDIO_TOKEN: needs at least 16 letters and digits" in capsys.readouterr().err


class Served:
    """A server that has started and ends at once."""

    link = "http://127.0.0.1:1/?token=x"
    is_on_loopback = True

    def run(self, started: Callable[[], None]) -> None:
        started()


def fail_to_open(link: str) -> bool:
    raise webbrowser.Error("no runnable browser")


@pytest.mark.parametrize("opens", [lambda link: False, fail_to_open])
@pytest.mark.parametrize("has_screen", [True, False])
def test_a_machine_without_a_browser_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], opens: Callable[[str], bool], has_screen: bool
) -> None:
    monkeypatch.setattr(webbrowser, "open", opens)
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"):
        monkeypatch.delenv(name, raising=False)
    if has_screen:
        monkeypatch.setenv("DISPLAY", ":0")
    serve(Served(), opens_browser=True)  # type: ignore[arg-type]
    told = capsys.readouterr().out
    assert "No browser was found on this machine; open the link in one that reaches it." in told
    assert told.startswith(f"The studio is at {Served.link}\n")


@pytest.mark.usefixtures("interruptible")
def test_it_prints_a_link_and_ends_with_ctrl_c() -> None:
    try:
        page_files.page_folder()
    except FileError:
        pytest.skip("the page was not built")
    command, pipe = [*COMMAND, "studio", "--no-browser", "--port", "0"], subprocess.PIPE
    with subprocess.Popen(command, env=environment(), stdout=pipe, stderr=pipe, text=True) as run:
        assert run.stdout is not None
        assert re.fullmatch(r"The studio is at http://127\.0\.0\.1:\d+/\?token=\S{43}\n", run.stdout.readline())
        assert run.stdout.readline() == "Ctrl-C ends it.\n"
        run.send_signal(signal.SIGINT)
        out, error = run.communicate(timeout=PATIENCE)
    assert (out, error, run.returncode) == ("The studio has ended.\n", "", 0)
