"""The chapter: its steps in order, each a section that a terminal prints and a page shows."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from creche.learn.backward import describe_backpropagation, describe_chain, describe_step
from creche.learn.data import describe_inputs, describe_network, describe_table, describe_weights
from creche.learn.forward import describe_batch, describe_forward_pass, describe_loss, describe_own_loss
from creche.learn.lesson import Lesson
from creche.learn.training import (
    describe_curve,
    describe_epochs,
    describe_gpus,
    describe_optimizers,
    describe_prediction,
    describe_rates,
)
from creche.render.document import Block, Section

__all__ = ["STEPS", "write_chapter", "write_step"]

STEPS: tuple[Callable[[Lesson], Section], ...] = (
    describe_table,
    describe_network,
    describe_weights,
    describe_inputs,
    describe_forward_pass,
    describe_loss,
    describe_own_loss,
    describe_batch,
    describe_backpropagation,
    describe_chain,
    describe_step,
    describe_epochs,
    describe_curve,
    describe_rates,
    describe_optimizers,
    describe_gpus,
    describe_prediction,
)
"""What each step tells; a step computes its numbers when it is called."""


def write_step(lesson: Lesson, number: int) -> Section:
    """Return a step of this number, from 1, with the number in its title.

    Examples
    --------
    >>> from creche.learn.lesson import create_lesson
    >>> write_step(create_lesson(threads=1), 1).title
    '1 of 17  The table'

    """
    section = STEPS[number - 1](lesson)
    blocks: list[Block] = [""]
    for block in section.blocks:
        blocks += [block, ""]
    return Section(f"{number} of {len(STEPS)}  {section.title}", blocks[:-1])


def write_chapter(lesson: Lesson) -> Iterator[Section]:
    """Yield all steps, in their order."""
    for number in range(1, len(STEPS) + 1):
        yield write_step(lesson, number)
