"""A table made ready for training: read, prepared, encoded and inspected, apart from the session that will take it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from creche._phrases import format_count
from creche.plan.words import Role, Task
from creche.studio.inspected_table import InspectedTable, inspect_table
from creche.studio.protocol.views import Settings
from creche.studio.settings import build_arguments, default_settings
from creche.studio.table_source import TableSource
from creche.table.checks import collect_warnings
from creche.table.prepare import prepare
from creche.training.arguments import create_run, resolve_loss, resolve_preparation
from creche.training.run import Run

__all__ = ["Network", "ReadyTable", "WantedTable", "create_network", "make_ready"]


@dataclass(frozen=True, slots=True)
class WantedTable:
    """A table that is to be made ready.

    Attributes
    ----------
    name : str
        What the page calls it.
    read : callable
        Returns its cells; it may take long.
    label : tuple of str, optional
        The columns to predict; empty for none yet, None for those of a bundled table.
    task : {"classification", "regression"}, optional
        By default, that of the label.
    roles : dict of str to str
    settings : Settings, optional
        By default, those with which a session begins.
    inspected : InspectedTable, optional
        What is shown of it, if that is known.

    """

    name: str
    read: Callable[[], TableSource]
    label: tuple[str, ...] | None = None
    task: Task | None = None
    roles: Mapping[str, Role] = field(default_factory=dict)
    settings: Settings | None = None
    inspected: InspectedTable | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Network:
    """A network before its first step.

    Attributes
    ----------
    settings : Settings
    run : Run
    remarks : tuple of str
        What was found, changed or left out when the table was prepared for it.

    """

    settings: Settings
    run: Run
    remarks: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class ReadyTable:
    """A table that a session can take.

    Attributes
    ----------
    source : TableSource
    label : tuple of str
    task : {"classification", "regression"} or None
        The task that was asked for.
    roles : dict of str to str
    inspected : InspectedTable
    network : Network or None
        None without a label.

    """

    source: TableSource
    label: tuple[str, ...]
    task: Task | None
    roles: Mapping[str, Role]
    inspected: InspectedTable
    network: Network | None


def _ignore(doing: str) -> None:
    pass


def make_ready(wanted: WantedTable, threads: int | None, tell: Callable[[str], None] = _ignore) -> ReadyTable:
    """Make a table ready for training; `tell` is called with what is done next, and may end it by an exception.

    Raises
    ------
    CrecheError
        If the table cannot be read, or not be trained on.

    Examples
    --------
    >>> from creche.studio.table_source import open_bundled
    >>> ready = make_ready(WantedTable("penguins", lambda: open_bundled("penguins")), threads=1)
    >>> ready.label, ready.network.settings.hidden
    (('species',), (8, 8))

    """
    tell("reading the table")
    source = wanted.read()
    label = source.default_label if wanted.label is None else wanted.label
    network = None
    if label:
        network = create_network(replace(wanted, label=label), source, threads, tell)
    inspected = wanted.inspected
    if inspected is None:
        tell(f"inspecting {format_count(len(source.table.columns), 'column')}")
        inspected = inspect_table(source.table, label, wanted.task, wanted.roles)
    return ReadyTable(source, label, wanted.task, wanted.roles, inspected, network)


def create_network(
    wanted: WantedTable, source: TableSource, threads: int | None, tell: Callable[[str], None] = _ignore
) -> Network:
    """Create a network for a table that was read, with a label.

    Raises
    ------
    CrecheError
        If the table cannot be trained on so, a setting is invalid, or the network is too large.

    """
    settings, task, label = wanted.settings, wanted.task, wanted.label or ()
    # The task is known only once the table has been read with its label; without a loss, it is prepared as for the
    # task's own.
    first = settings or default_settings(task or "classification")
    arguments = build_arguments(first, task or "classification", label, wanted.roles)
    loss = None if settings is None else resolve_loss(arguments)
    rows = format_count(len(source.table), "row")
    tell(f"preparing {rows}")
    with collect_warnings() as remarks:
        prepared = prepare(source.table, None, resolve_preparation(arguments), task=task, loss=loss, seed=first.seed)
    settings = settings or default_settings(prepared.task)
    arguments = build_arguments(settings, prepared.task, label, wanted.roles)
    tell(f"encoding {rows}")
    return Network(settings, create_run(replace(arguments, threads=threads), prepared), tuple(remarks))
