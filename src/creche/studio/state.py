"""The state of a session: its table, its settings, and the network that trains."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from creche._system.resources import resolve_threads
from creche.errors import CrecheError
from creche.plan.arguments import arguments_in
from creche.plan.words import Role, Task
from creche.studio.inspected_table import InspectedTable
from creche.studio.live_run import LiveRun
from creche.studio.network import DrawnEdges
from creche.studio.protocol.requests import Watch
from creche.studio.protocol.views import Failure, FailureCode, Field, Settings
from creche.studio.protocol.views import Partition as PartName
from creche.studio.ready_table import Network, ReadyTable, WantedTable, create_network
from creche.studio.settings import build_arguments, settings_after
from creche.studio.table_source import TableSource
from creche.studio.uploads import Uploads
from creche.table.prepare import Prepared, encode_features
from creche.table.table import Table
from creche.training.arguments import create_run
from creche.training.run import Run

if TYPE_CHECKING:
    from creche.explain.trace.result import Trace
    from creche.studio.evaluation import EvaluatedPart
    from creche.studio.response import ResponseGrids

if TYPE_CHECKING:
    from creche.studio.colony import ColonyWork
    from creche.studio.fitting import FitWork
    from creche.studio.table_desk import TableDesk

__all__ = ["Part", "RefusedError", "SessionState"]

# Parts of the state that the page shows; after a request, those that changed are pushed.
Part: TypeAlias = Literal["table", "settings", "network", "history"]

PARTS: tuple[PartName, ...] = ("train", "validation", "test")

# What the preparation of the table depends on, besides the label and the roles.
PREPARATION = ("loss", *(field.name for field in fields(Settings) if field.name in arguments_in("preparation")))


class RefusedError(CrecheError, ValueError):
    """A request that is understood but refused; `code` tells the page why."""

    def __init__(self, code: FailureCode, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.remedy = remedy


@dataclass(slots=True, eq=False)
class SessionState:
    """What a session is about; only its own thread reads and changes it.

    Attributes
    ----------
    session : str
        The name of the session.
    threads : int
    uploads : Uploads
    source : TableSource or None
    label : tuple of str
    chosen_task : {"classification", "regression"} or None
        The task, if the user has set it.
    roles : dict of str to str
        The roles of columns that the user has set.
    beginning : Settings or None
        The settings with which the network began to train; None without one.
    live : LiveRun or None
        The run, with its network; None without a label.
    drawn : DrawnEdges or None
    selected_row : int or None
    traced : Trace or None
        The last step that was taken apart.
    response_grids : ResponseGrids or None
        What the responses of neurons are computed on, once one was asked for.
    evaluated : dict of str to EvaluatedPart
        The parts of the rows that were evaluated, by name.
    watched : dict of watcher to Watch
        What each watcher looks at.
    changed : set of str
        The parts that were changed since they were last pushed.
    push : callable
        Sends a view to all watchers.
    inspected : InspectedTable or None
        What is shown of the table.
    desk : TableDesk or None
        Where tables are made ready; the session sets it.
    failure : Failure or None
        Why the table that the session was to begin with is not there.
    remarks : tuple of str
        What was found, changed or left out when the table was prepared for training.
    colony : ColonyWork or None
        The last colony.
    fit : FitWork or None
        The last `creche.fit`.
    form : tuple or None
        The fields of the form for one observation, behind the preparation of the table that they belong to.

    """

    session: str
    threads: int
    uploads: Uploads
    source: TableSource | None = None
    label: tuple[str, ...] = ()
    chosen_task: Task | None = None
    roles: dict[str, Role] = field(default_factory=dict)
    beginning: Settings | None = None
    live: LiveRun | None = None
    drawn: DrawnEdges | None = None
    selected_row: int | None = None
    traced: Trace | None = None
    response_grids: ResponseGrids | None = None
    evaluated: dict[PartName, EvaluatedPart] = field(default_factory=dict)
    watched: dict[Any, Watch] = field(default_factory=dict)
    changed: set[Part] = field(default_factory=set)
    push: Callable[[object], None] = lambda view: None
    inspected: InspectedTable | None = None
    desk: TableDesk | None = None
    failure: Failure | None = None
    remarks: tuple[str, ...] = ()
    colony: ColonyWork | None = None
    fit: FitWork | None = None
    form: tuple[Prepared, tuple[Field, ...]] | None = None
    _preparation: tuple[Any, ...] | None = None
    _parts: tuple[Prepared, NDArray[np.int8]] | None = None
    _inputs: NDArray[Any] | None = None

    @classmethod
    def create(cls, session: str, threads: int | None, uploads: Uploads) -> SessionState:
        """Return the state of a session without a table."""
        return cls(session, resolve_threads(threads), uploads)

    # -- what is there -------------------------------------------------------------------------------------------------

    def need_source(self) -> TableSource:
        """Return the table.

        Raises
        ------
        RefusedError
            If none is open.

        """
        if self.source is None:
            raise RefusedError("no_table", "There is no table yet.", "Open one first.")
        return self.source

    def need_desk(self) -> TableDesk:
        """Return where tables are made ready."""
        assert self.desk is not None
        return self.desk

    def need_live(self) -> LiveRun:
        """Return the run.

        Raises
        ------
        RefusedError
            If there is no network.

        """
        if self.live is None:
            self.need_source()
            raise RefusedError("no_network", "There is no network yet.", "Choose the column to predict first.")
        return self.live

    def need_settings(self) -> Settings:
        """Return the settings of the network, after the changes so far."""
        live = self.need_live()
        assert self.beginning is not None
        return settings_after(self.beginning, live.run.plan.changes)

    # -- table and network ---------------------------------------------------------------------------------------------

    def take(self, ready: ReadyTable) -> None:
        """Take another table, or another label, task or roles, and begin with its network."""
        self.failure = None
        self.source, self.label, self.chosen_task = ready.source, ready.label, ready.task
        self.roles, self.inspected = dict(ready.roles), ready.inspected
        if ready.network is None:
            self.beginning = self.live = self.drawn = None
            self.remarks = ()
        else:
            self.take_network(ready.network)
        self.select_row(self._first_row() if ready.network else None)
        self.end_work()
        self.changed |= {"table", "settings", "network", "history"}

    def take_network(self, network: Network) -> None:
        """Begin with a network for another preparation of the table."""
        self._preparation = _preparation_of(network.settings)
        self.remarks = network.remarks
        self.changed.add("table")
        self._begin(network.settings, network.run)

    def end_work(self) -> None:
        """Cancel the colony and the fit, and forget them."""
        for work in (self.colony, self.fit):
            if work is not None:
                work.cancel()
        self.colony = self.fit = None

    def begin(self, settings: Settings) -> None:
        """Begin training anew, from random weights, with these settings.

        Raises
        ------
        CrecheError
            If a setting is invalid or the network too large; then the network at hand stays as it was.

        """
        if self.needs_preparation(settings):
            self.take_network(create_network(self.want(settings), self.need_source(), self.threads))
            return
        arguments = build_arguments(settings, self.prepared.task, self.label, self.roles)
        run = create_run(replace(arguments, threads=self.threads), self.prepared, self.need_live().run)
        self._begin(settings, run)

    def want(self, settings: Settings) -> WantedTable:
        """Return the table at hand, to be made ready for a network with other settings."""
        source, task = self.need_source(), self.chosen_task or self.prepared.task
        return WantedTable(source.name, lambda: source, self.label, task, self.roles, settings, self.inspected)

    def needs_preparation(self, settings: Settings) -> bool:
        """Whether the table has to be prepared anew for a network with these settings, which may take long."""
        return self._preparation != _preparation_of(settings)

    def _begin(self, settings: Settings, run: Run) -> None:
        plays = self.live is not None and self.live.status == "running"
        if self.live is not None:
            self.live.pause()
        self.beginning, self.live = settings, LiveRun(run)
        self.redraw()
        if plays:
            self.live.play()
        self._inputs = self.traced = None
        self.changed |= {"settings", "network", "history"}

    def redraw(self) -> None:
        """Choose anew which connections are drawn; the same choice keeps its version."""
        version = 0 if self.drawn is None else self.drawn.version + 1
        chosen = DrawnEdges.choose(self.need_live().run.weights, version)
        if self.drawn is None or not np.array_equal(chosen.edges, self.drawn.edges):
            self.drawn = chosen
            self.changed.add("network")

    @property
    def prepared(self) -> Prepared:
        """The table as rows for training."""
        return self.need_live().run.prepared

    # -- rows ----------------------------------------------------------------------------------------------------------

    def find_row(self, number: int) -> int:
        """Return the place of a row, counted from 1, among the rows that have a label.

        Raises
        ------
        RefusedError
            If there is no such row, or it has no label.

        """
        rows = self.prepared.labelled
        if not 1 <= number <= rows.n_table_rows:
            raise RefusedError("bad_value", f"There is no row {number}: the table has {rows.n_table_rows:,} rows.")
        place = int(np.searchsorted(rows.row_indices, number - 1))
        if place == len(rows) or rows.row_indices[place] != number - 1:
            raise RefusedError("bad_value", f"Row {number} has no label, so it is not used.", "Choose another row.")
        return place

    def part_of(self, place: int) -> PartName:
        """Return the part that a row lies in, by its place among the rows that have a label.

        A row that is in no part, as one of weight 0, counts as a training row.
        """
        if self._parts is None or self._parts[0] is not self.prepared:
            prepared, rows = self.prepared, self.prepared.labelled.row_indices
            numbers = np.zeros(len(rows), dtype=np.int8)
            for number, part in ((1, prepared.validation), (2, prepared.test)):
                if part is not None:
                    numbers[np.isin(rows, part.observations.row_indices)] = number
            self._parts = prepared, numbers
        return PARTS[int(self._parts[1][place])]

    def _first_row(self) -> int:
        """Return the number of the first validation row; without any, of the first training row."""
        part = self.prepared.validation or self.prepared.train
        return int(part.observations.row_indices[0]) + 1

    def select_row(self, number: int | None) -> None:
        """Select the row whose activations are sent with every tick."""
        self._inputs = None if number is None else self.encode_rows([number])
        self.selected_row = number

    def encode_rows(self, numbers: list[int]) -> NDArray[Any]:
        """Return the inputs of the network for some rows, counted from 1."""
        prepared = self.prepared
        rows = prepared.labelled.take(np.array([self.find_row(number) for number in numbers]))
        assert isinstance(rows.x, Table)
        return encode_features(prepared.features, rows.x, self.need_live().run.plan.dtype, rows.row_numbers)

    @property
    def selected_inputs(self) -> NDArray[Any] | None:
        """The inputs of the selected row, (1, inputs); None if no row is selected."""
        if self._inputs is None and self.selected_row is not None:
            self._inputs = self.encode_rows([self.selected_row])
        return self._inputs


def _preparation_of(settings: Settings) -> tuple[Any, ...]:
    """Return the settings that the preparation of the table depends on."""
    return tuple(getattr(settings, name) for name in PREPARATION)
