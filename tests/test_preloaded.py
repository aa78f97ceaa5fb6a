"""A process that is forked with the package imported behaves as a new interpreter does."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.preloaded import environment, preloaded_python

DESCRIBE = """
import json, os, sys
print(json.dumps({
    "argv": sys.argv, "path": sys.path[0], "name": __name__, "folder": os.getcwd(), "given": sys.stdin.read(),
    "variable": os.environ.get("A_VARIABLE"), "streams": [
        [stream.encoding, stream.errors, stream.line_buffering, stream.isatty(), stream.fileno()]
        for stream in (sys.stdin, sys.stdout, sys.stderr)
    ],
}))
print("an error: \\udcff", file=sys.stderr)
sys.exit(3)
"""
ENDS = {
    "an exception": "raise ValueError('wrong')", "a text": "raise SystemExit('a text')", "nothing": "",
    "a signal": "import os; os.kill(os.getpid(), 9)", "at exit": "import atexit; atexit.register(print, 'at exit')",
    "not flushed": "import sys; sys.stdout.write('the end')", "Ctrl-C": "raise KeyboardInterrupt",
}  # fmt: skip


def run(python: list[str], *arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*python, *arguments], cwd=folder, env={**environment(), "A_VARIABLE": "its value"}, input="penguins\n",
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_it_has_the_arguments_folder_variables_and_streams_of_the_caller(tmp_path: Path) -> None:
    forked = run(list(preloaded_python()), "-c", DESCRIBE, "a b", "--c", folder=tmp_path)
    alone = run([sys.executable], "-c", DESCRIBE, "a b", "--c", folder=tmp_path)
    assert json.loads(forked.stdout)["given"] == "penguins\n"
    assert (forked.returncode, forked.stdout, forked.stderr) == (alone.returncode, alone.stdout, alone.stderr)


@pytest.mark.parametrize("end", ENDS)
def test_it_ends_as_a_process_does(end: str, tmp_path: Path) -> None:
    forked = run(list(preloaded_python()), "-c", ENDS[end], folder=tmp_path)
    alone = run([sys.executable], "-c", ENDS[end], folder=tmp_path)
    assert (forked.returncode, forked.stdout) == (alone.returncode, alone.stdout)
    assert forked.stderr.splitlines()[-1:] == alone.stderr.splitlines()[-1:]


def test_warnings_are_as_asked_for(tmp_path: Path) -> None:
    warn = "import warnings; warnings.warn('careful')"
    assert run(list(preloaded_python()), "-W", "ignore", "-c", warn, folder=tmp_path).stderr == ""
    assert "careful" in run(list(preloaded_python()), "-c", warn, folder=tmp_path).stderr


def test_signals_are_passed_on(tmp_path: Path) -> None:
    program = "import time; print('begun', flush=True); time.sleep(600)"
    command = [*preloaded_python(), "-c", program]
    with subprocess.Popen(command, env=environment(), stdout=subprocess.PIPE, text=True, cwd=tmp_path) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "begun\n"
        child.send_signal(signal.SIGTERM)
        assert child.wait() == -signal.SIGTERM


def test_the_package_is_imported_already(tmp_path: Path) -> None:
    program = "import sys; print({'polars', 'creche.cli.train', 'creche.training.run'} <= set(sys.modules))"
    assert run(list(preloaded_python()), "-c", program, folder=tmp_path).stdout == "True\n"
    assert os.listdir(tmp_path) == []
