"""Steps that are captured as graphs do what steps do: here with graphs that are acted out, without a GPU."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any

import pytest

from tests.torch_engine.small_runs import assert_same_state, create_plan, create_rows, network

pytestmark = pytest.mark.peers


class Stream:
    """A stream of a device that does everything at once."""

    def wait_stream(self, other: Stream) -> None:
        pass


class Graph:
    """A graph: what it recorded, in the memory that was there when it was captured."""

    def replay(self) -> None:
        self.recorded()

    recorded: Any = None


class Capture(AbstractContextManager):  # type: ignore[type-arg]
    """While it lasts, nothing is computed."""

    under_way: Graph | None = None

    def __init__(self, graph: Graph, capture_error_mode: str) -> None:
        assert capture_error_mode == "thread_local"
        self.graph = graph

    def __enter__(self) -> None:
        Capture.under_way = self.graph

    def __exit__(self, *_: object) -> None:
        Capture.under_way = None


@pytest.fixture
def acted_graphs(monkeypatch: pytest.MonkeyPatch) -> list[Graph]:
    """Replace the graphs of torch; the list receives those that are made."""
    torch = pytest.importorskip("torch")
    made: list[Graph] = []

    def create_graph() -> Graph:
        made.append(Graph())
        return made[-1]

    replacements = {
        "Stream": Stream, "current_stream": Stream, "stream": lambda _: nullcontext(), "CUDAGraph": create_graph,
        "graph": Capture,
    }  # fmt: skip
    for name, replacement in replacements.items():
        monkeypatch.setattr(torch.cuda, name, replacement)
    return made


@pytest.mark.parametrize("parts", [{}, {"dropout": 0.3, "normalization": "batch"}], ids=["", "parts"])
def test_captured_steps_end_with_the_bits_of_others(
    torch_run: Any, acted_graphs: list[Graph], parts: dict[str, Any]
) -> None:
    from creche.engine.torch.capture import CapturedSteps

    plan = create_plan(network(**parts))
    rows = create_rows(plan, weighted=True)
    plain, captured = torch_run(plan, rows, None, "cpu"), torch_run(plan, rows, None, "cpu")
    trainer = captured._trainer
    take = trainer.step.take

    def take_or_record(inputs: Any, sums: Any) -> None:
        if Capture.under_way is not None:
            Capture.under_way.recorded = partial(take, inputs, sums)
        else:
            take(inputs, sums)

    trainer.take = CapturedSteps(take_or_record, captured._arrays.trained)
    assert plain.run() == captured.run() == "finished"
    assert len(acted_graphs) == 2, "one for full batches, one for the last of an epoch"
    assert_same_state(captured.state(), plain.state(), 0.0)


@pytest.mark.parametrize("parts", [{}, {"dropout": 0.3, "normalization": "layer"}], ids=["", "parts"])
def test_a_step_is_compiled_as_one_graph_if_the_environment_says_so(
    torch_run: Any, monkeypatch: pytest.MonkeyPatch, parts: dict[str, Any]
) -> None:
    import torch

    from creche.engine.torch.capture import COMPILE

    plan = create_plan(network(**parts), epochs=1)
    rows = create_rows(plan, weighted=True)
    plain = torch_run(plan, rows, None, "cpu")
    compiled = []

    def trace(take: Any, **options: Any) -> Any:
        compiled.append(options)
        return torch_compile(take, **options, backend="eager")  # which generates no code: that takes long

    torch_compile = torch.compile
    monkeypatch.setattr(torch, "compile", trace)
    monkeypatch.setenv(COMPILE, "1")
    run = torch_run(plan, rows, None, "cpu")
    assert run.run() == plain.run() == "finished"
    assert compiled == [{"fullgraph": True, "dynamic": False}]
    assert_same_state(run.state(), plain.state())
