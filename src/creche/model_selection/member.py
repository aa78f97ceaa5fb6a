"""A member of a colony: one of the networks trained together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from creche._displayed import Displayed
from creche.engine.colony import Crew
from creche.engine.parameters import Parameters
from creche.engine.run_state import RunState
from creche.evaluation import AnyEvaluation
from creche.model.history import History
from creche.model.model import Model
from creche.model.provenance import describe_provenance
from creche.plan.plan import Plan
from creche.table.partition import PartName
from creche.table.prepare import Prepared

if TYPE_CHECKING:
    from creche.model.provenance import Provenance

__all__ = ["Member"]


class Member(Displayed):
    """One network of a `Colony`, with the same weights, bit for bit, as the `Run` of the same plan trained alone.

    Attributes
    ----------
    number : int
        Its position in the colony, from 0.
    choice : dict
        The values of the arguments in which the networks differ, the seed last.
    plan : Plan
        The plan, with the values of this network.
    prepared : Prepared
        The rows for training, validation and testing.

    """

    def __init__(self, crew: Crew, number: int, choice: Mapping[str, Any], prepared: Prepared) -> None:
        self._crew = crew
        self.number = number
        self.choice = dict(choice)
        self.plan: Plan = crew.jobs[number].plan
        self.prepared = prepared

    @property
    def status(self) -> str:
        """One of "running", "finished", "early_stopped", "stopped" (by halving) and "diverged"."""
        return self._crew.status(self.number)

    @property
    def epoch(self) -> int:
        """The number of completed epochs."""
        return self._crew.epoch(self.number)

    @property
    def kept_epoch(self) -> int:
        """The epoch, counted from 1, whose weights it has: the last, or the best once training has ended."""
        return self._crew.kept_epoch(self.number)

    @property
    def history(self) -> History:
        """One record per completed epoch."""
        prepared, columns = self.prepared, self._crew.history(self.number)
        return History.from_engine(columns, self.plan.task, prepared.labels.scale, prepared.library)

    @property
    def parameters(self) -> Parameters:
        """All parameters by name."""
        return self._crew.parameters(self.number)

    @property
    def model(self) -> Model:
        """The model: feature encoder, network and weights."""
        prepared, history, status = self.prepared, self.history, self.status
        steps, kept = RunState(self._crew.state(self.number)).step, self.kept_epoch
        device = self._crew.describe_device(self.number)
        model = Model(self.plan, prepared.features, prepared.labels, self.parameters, self._crew.hardware.threads)

        def origin() -> Provenance:
            return describe_provenance(
                model, prepared, history, status, steps, kept, lambda: self._evaluate(model), device
            )

        object.__setattr__(model, "origin", origin)
        object.__setattr__(model, "summarize", prepared.summarize_training)
        return model

    @property
    def evaluation(self) -> AnyEvaluation:
        """The evaluation of the model on the test rows, else the validation rows, else the training rows."""
        return self._evaluate(self.model)

    @property
    def evaluated_on(self) -> PartName:
        """The part of the table that `evaluation` is on: "test", "validation" or "train"."""
        return self.prepared.evaluation_part[0]

    def _evaluate(self, model: Model) -> AnyEvaluation:
        rows = self.prepared.evaluation_part[1]
        return model.evaluate_rows(rows.observations, rows.weights)

    def __repr__(self) -> str:
        values = ", ".join(f"{name}={value!r}" for name, value in self.choice.items())
        return f"Member({self.number}: {values}; {self.status}; {self.history!r})"
