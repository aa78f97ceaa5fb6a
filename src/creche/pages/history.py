"""The pages of a plan, of what training recorded, and of one network of a sweep."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from creche.pages.run import epoch_table, history_curves
from creche.pages.tables import facts_table, format_value
from creche.render.components import (
    describe_component,
    describe_early_stopping,
    describe_optimizer,
    describe_uncommon_choices,
)

if TYPE_CHECKING:
    from creche.model.history import History
    from creche.model_selection.member import Member
    from creche.plan.plan import Plan

__all__ = ["history_page", "member_page", "plan_page"]


def history_page(history: History) -> RenderableType:
    """Render the loss and the metric by epoch."""
    if not len(history):
        return Text("no epoch completed")
    kept = history.best_epoch + 1
    return Group(*history_curves(history)[1:], Text(), epoch_table(history, kept))


def plan_page(plan: Plan) -> RenderableType:
    """Render what determines a training run."""
    return _plan_facts(plan)


def member_page(member: Member) -> RenderableType:
    """Render one network of a sweep: its choice, its plan, and its loss by epoch."""
    facts = _plan_facts(member.plan)
    for name, value in member.choice.items():
        facts.add_row(name.replace("_", " "), format_value(value))
    facts.add_row("status", member.status.replace("_", " "))
    return Group(facts, Text(), history_page(member.history))


def _plan_facts(plan: Plan) -> Table:
    facts = facts_table()
    facts.add_row("network", plan.network.describe(plan.precision))
    facts.add_row("task", plan.task)
    facts.add_row("loss", describe_component(plan.loss))
    facts.add_row("optimizer", describe_optimizer(plan.optimizer))
    facts.add_row("schedule", describe_component(plan.schedule))
    for name, choice in describe_uncommon_choices(plan):
        facts.add_row(name, choice)
    shards = f" in {plan.shards} shards" if plan.shards > 1 else ""
    facts.add_row("epochs", f"{plan.epochs:,}, batches of {plan.batch_size:,} rows{shards}")
    facts.add_row("stops", describe_early_stopping(plan.early_stopping))
    facts.add_row("keeps", f"the weights of the {plan.keep} epoch")
    facts.add_row("seed", f"{plan.seed}")
    return facts
