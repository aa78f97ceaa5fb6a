"""Keeping what was trained: a model, a plan, a report, and the code that makes the same."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from creche.errors import FileError
from creche.model.ensemble import Ensemble
from creche.model.fitted import FittedModel
from creche.model.model import Model
from creche.report.report import report
from creche.studio.answers.registry import Turn, answers
from creche.studio.code import compact_plan, kept_name, write_command, write_python
from creche.studio.protocol import requests, views
from creche.studio.state import RefusedError, SessionState
from creche.training.plan_file import format_plan, plan_to_arguments

__all__: list[str] = []

MODEL_TYPE, PAGE_TYPE, TEXT_TYPE = "application/octet-stream", "text/html", "text/plain"


@answers(requests.Code)
def write_code(turn: Turn, request: requests.Code) -> views.KeptFile:
    """Write the code that makes the same network."""
    turn.state.need_live()
    if request.language == "python":
        return _keep_text(kept_name(turn.state, ".py"), write_python(turn.state))
    return _keep_text(kept_name(turn.state, ".sh"), write_command(turn.state))


@answers(requests.Keep)
def keep(turn: Turn, request: requests.Keep) -> object:
    """Make a file of what was trained; what takes long is made beside training."""
    state = turn.state
    if request.what == "plan":
        return _keep_plan(state)
    return turn.answer_beside(_report_maker(state) if request.what == "report" else _model_maker(state, request))


def _keep_plan(state: SessionState) -> views.KeptFile:
    run, source = state.need_live().run, state.need_source()
    arguments = plan_to_arguments(compact_plan(state), run.prepared.preparation)
    if source.read_options != type(source.read_options)():
        arguments["read_options"] = source.read_options.to_dict()
    steps = "" if run.status == "finished" else f" --steps {run.step}"
    name = kept_name(state, ".toml")
    command = f"creche train {source.argument} --plan {name}{steps} -o {kept_name(state, '.creche')}"
    return _keep_text(name, f"# {command}\n\n{format_plan(arguments)}")


def _current_model(state: SessionState) -> Model:
    """Return the network as it is now, to be kept: its plan says no more than is needed to make it."""
    return replace(state.need_live().run.model, plan=compact_plan(state))


def _model_maker(state: SessionState, request: requests.Keep) -> Callable[[], views.KeptFile]:
    model: Model | Ensemble | FittedModel
    state.need_live()
    if request.what == "model":
        model, name = _current_model(state), kept_name(state, ".creche")
    elif request.what == "fit":
        if state.fit is None or state.fit.model is None:
            raise RefusedError("no_network", "There is no fitted model yet.", "Fit one first.")
        model, name = state.fit.model, kept_name(state, "-fit.creche")
    else:
        if state.colony is None:
            raise RefusedError("no_network", "There is no ensemble yet.", "Train a colony first.")
        model, name = state.colony.ensemble(request.size), kept_name(state, "-ensemble.creche")

    def make() -> views.KeptFile:
        return _keep_file(name, MODEL_TYPE, model.save)

    return make


def _report_maker(state: SessionState) -> Callable[[], views.KeptFile]:
    model, table, threads = _current_model(state), state.need_source().table, state.threads

    def make() -> views.KeptFile:
        def write(path: Path) -> None:
            report(model, table, path, missing_label="drop", threads=threads, on_progress=False)

        return _keep_file(kept_name(state, ".html"), PAGE_TYPE, write)

    return make


def _keep_file(name: str, media_type: str, write: Callable[[Path], object]) -> views.KeptFile:
    """Return the file that a function writes.

    Raises
    ------
    RefusedError
        If the disk is full or cannot be written.

    """
    try:
        with tempfile.TemporaryDirectory(prefix="creche-studio-") as folder:
            path = Path(folder) / name
            write(path)
            content = path.read_bytes()
    except (OSError, FileError) as error:
        raise RefusedError(
            "disk", f"{name} could not be written: {_reason_of(error)}.", "Free some space on the disk and try again."
        ) from error
    return views.KeptFile(name, media_type, np.frombuffer(content, dtype=np.uint8), "")


def _reason_of(error: OSError | FileError) -> str:
    """Return why a file was not written, without its path: where the session writes is nothing that a person knows."""
    if isinstance(error, FileError):
        return str(error).rpartition(": ")[2].partition(";")[0]
    return error.strerror or str(error)


def _keep_text(name: str, text: str) -> views.KeptFile:
    return views.KeptFile(name, TEXT_TYPE, np.frombuffer(text.encode(), dtype=np.uint8), text)
