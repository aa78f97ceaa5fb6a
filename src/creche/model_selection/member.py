"""A member of a colony: one of the networks that were trained together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from creche.engine.colony import Crew
from creche.engine.run_state import RunState
from creche.evaluation import ClassificationEvaluation, RegressionEvaluation
from creche.model.history import History
from creche.model.model import Model
from creche.model.provenance import describe_provenance
from creche.plan.plan import Plan
from creche.table.prepare import Prepared

if TYPE_CHECKING:
    from creche.model.provenance import Provenance

__all__ = ["Member"]


class Member:
    """One of the networks of a `Colony`, as `Run` is one trained alone; with the same weights, bit for bit.

    Attributes
    ----------
    number : int
        In the colony, from 0.
    choice : dict
        What this network was given where the networks differ, its seed last.
    plan : Plan
    prepared : Prepared
        The rows it was trained on, and those kept out.

    """

    def __init__(self, crew: Crew, number: int, choice: Mapping[str, Any], prepared: Prepared) -> None:
        self._crew = crew
        self.number = number
        self.choice = dict(choice)
        self.plan: Plan = crew.jobs[number].plan
        self.prepared = prepared

    @property
    def status(self) -> str:
        """How far it came: one of "running", "finished", "early_stopped", "stopped" (by halving) and "diverged"."""
        return self._crew.status(self.number)

    @property
    def epoch(self) -> int:
        """Completed epochs."""
        return self._crew.epoch(self.number)

    @property
    def history(self) -> History:
        """One record per completed epoch."""
        scale = self.prepared.labels.scale
        return History.from_engine(self._crew.history(self.number), self.plan.task, scale)

    @property
    def parameters(self) -> list[tuple[NDArray[Any], NDArray[Any]]]:
        """W (d_in, d_out) and b (d_out,) of each layer."""
        return self._crew.parameters(self.number)

    @property
    def model(self) -> Model:
        """The encoder, the network and its weights."""
        prepared, history, status = self.prepared, self.history, self.status
        steps = RunState(self._crew.state(self.number)).step
        model = Model(self.plan, prepared.features, prepared.labels, self.parameters, self._crew.threads)

        def origin() -> Provenance:
            return describe_provenance(model, prepared, history, status, steps, lambda: self._judge(model))

        object.__setattr__(model, "origin", origin)
        return model

    @property
    def evaluation(self) -> tuple[str, ClassificationEvaluation | RegressionEvaluation]:
        """How good the network is, and on which rows: those for testing, else for validation, else for training."""
        return self.prepared.evaluation_part[0], self._judge(self.model)

    def _judge(self, model: Model) -> ClassificationEvaluation | RegressionEvaluation:
        part = self.prepared.evaluation_part[1]
        return model.evaluate_rows(part.observations, part.weights)

    def __repr__(self) -> str:
        said = ", ".join(f"{name}={value!r}" for name, value in self.choice.items())
        return f"Member({self.number}: {said}; {self.status}; {self.history!r})"
