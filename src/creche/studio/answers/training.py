"""Playing, pausing, stepping, and going back to the start."""

from __future__ import annotations

from dataclasses import replace

from creche._phrases import format_count
from creche.studio.answers.registry import LATER, Turn, answers
from creche.studio.live_run import LiveRun
from creche.studio.protocol import requests, views
from creche.studio.state import RefusedError

__all__: list[str] = []


@answers(requests.Play)
def play(turn: Turn, request: requests.Play) -> views.Done:
    """Train until the plan ends, or a pause."""
    if request.epochs_per_second is not None and request.epochs_per_second <= 0:
        raise RefusedError(
            "bad_value", f"Epochs per second: got {request.epochs_per_second:g}; needs a number above 0."
        )
    live = _need_trainable(turn)
    live.play(request.epochs_per_second)
    return views.Done()


@answers(requests.Pause)
def pause(turn: Turn, request: requests.Pause) -> views.Done:
    """Stop after the batch at hand."""
    turn.state.need_live().pause()
    return views.Done()


@answers(requests.Step)
def step(turn: Turn, request: requests.Step) -> object:
    """Train some batches, or to the end of an epoch; answered when it is done."""
    if request.count < 1:
        raise RefusedError("bad_value", f"Count: got {request.count}; needs a whole number of at least 1.")
    live = _need_trainable(turn)
    steps = request.count
    if request.unit == "epoch":
        steps = request.count * live.batches - live.run.batch
    live.step_to(live.run.step + steps, then=lambda: turn.reply(views.Done()))
    return LATER


@answers(requests.Reset)
def reset(turn: Turn, request: requests.Reset) -> views.Done:
    """Go back to the random weights."""
    settings = turn.state.need_settings()
    turn.state.need_live().pause()
    turn.state.begin(settings if request.seed is None else replace(settings, seed=request.seed))
    return views.Done()


@answers(requests.Rewind)
def rewind(turn: Turn, request: requests.Rewind) -> views.Restored:
    """Go back to the end of a recorded epoch, or to the last finite weights."""
    state = turn.state
    live = state.need_live()
    if request.last_finite == (request.epoch is not None):
        raise RefusedError("bad_request", "Rewind needs either an epoch or last_finite.")
    if request.epoch is None:
        live.go_back_to_finite()
        text = f"Back at the last finite weights, after {format_count(live.run.step, 'step')}."
    elif not 0 <= request.epoch <= len(live.history):
        raise RefusedError(
            "bad_value", f"Epoch: got {request.epoch}; the recorded epochs are 0 to {len(live.history):,}."
        )
    else:
        epoch = live.go_back(request.epoch)
        text = f"Back at the end of epoch {epoch:,}." if epoch else "Back at the random weights."
        if epoch != request.epoch:
            text = f"{text} It is the nearest whose weights are kept."
    state.redraw()
    state.changed |= {"settings", "history"}
    return views.Restored(live.run.epoch, live.run.step, text)


def _need_trainable(turn: Turn) -> LiveRun:
    live = turn.state.need_live()
    if live.status == "diverged":
        raise RefusedError(
            "diverged", "Training diverged: the loss is no longer finite.",
            "Go back to the last finite weights and lower the learning rate, or start anew.",
        )  # fmt: skip
    if live.status == "finished":
        done = f"All {live.run.current_plan.epochs:,} epochs are done."
        raise RefusedError("bad_value", done, "Set more epochs, or go back to the start.")
    return live
