"""``creche learn``: the chapter, one step to a screen."""

from __future__ import annotations

import sys
from typing import Any

import typer

from creche.cli.files import OptionalTableArgument
from creche.cli.label import check_label
from creche.cli.messages import print_message
from creche.cli.options import (
    DROP_UNLABELLED,
    READING,
    THREADS,
    Option,
    create_read_options,
    options_of,
    parse_arguments,
    with_options,
)
from creche.cli.output import print_page
from creche.cli.progress import show_activity
from creche.errors import PlanError
from creche.learn.chapter import STEPS, write_step
from creche.render.text import sections_text

__all__ = ["learn"]

CHAPTER = "The chapter"
# What may be set of the network and its training; the defaults are the chapter's.
PLAN_OPTIONS = options_of("plan", "preparation", without=("task",))
CHAPTER_OPTIONS = (
    Option("all_steps", bool, CHAPTER, "Print all steps without waiting.", typed="--all"),
    Option("step", int, CHAPTER, f"Number of the step to begin with, from 1 to {len(STEPS)}.", "1"),
)
OTHER_OPTIONS = (DROP_UNLABELLED, THREADS)
PROMPT = "[Enter] next, b back, q quit: "


@with_options(*CHAPTER_OPTIONS, *PLAN_OPTIONS, *READING, *OTHER_OPTIONS)
def learn(table: OptionalTableArgument = None, **given: Any) -> None:
    """Show how a network learns, step by step, with the numbers of a real one.

    The steps: the table, the network and its random weights, the forward pass, the loss, backpropagation, the
    optimizer's step, the epochs, the loss against one weight, learning rates, optimizers, GPUs. TABLE is
    'penguins-four' by default; its label must be categorical. For example:

    creche learn

    creche learn --all > chapter.txt

    creche learn --step 9

    creche learn flowers.csv --label kind --hidden 8,8

    Press Enter for the next step, 'b' to go back and 'q' to quit. Without a terminal, or with --all, all steps are
    printed. By default the network has hidden layers 5,5 and is trained with squared error and SGD, at a learning rate
    of 1, in batches of 20 rows for 50 epochs. 'creche glossary' explains the terms.
    """
    from creche.learn.lesson import DEFAULT_TABLE, create_lesson

    options, arguments = parse_arguments(CHAPTER_OPTIONS, given), parse_arguments(PLAN_OPTIONS, given)
    others = parse_arguments(OTHER_OPTIONS, given)
    first = options.get("step", 1)
    if not 1 <= first <= len(STEPS):
        raise PlanError(f"--step: got {first}; needs the number of a step, from 1 to {len(STEPS)}", argument="step")
    if "drop_unlabelled" in others:
        arguments["missing_label"] = "drop"
    read_options = create_read_options(given)
    if read_options:
        arguments["read_options"] = read_options
    if table not in (None, DEFAULT_TABLE):
        check_label(arguments, table, read_options)
    lesson = create_lesson(table or DEFAULT_TABLE, threads=others.get("threads"), **arguments)
    waits = "all_steps" not in options and sys.stdin.isatty() and sys.stdout.isatty()
    number = first
    try:
        while number <= len(STEPS):
            with show_activity("training"):
                section = write_step(lesson, number)
            print_page(sections_text([section]), explains_itself=True)
            if waits and number < len(STEPS):
                print()
                move = _ask()
                if move == 0:
                    return
                number = max(number + move, 1)
            else:
                number += 1
            print()
    except KeyboardInterrupt:
        print(file=sys.stderr)
        print_message(f"stopped at step {number}; to continue: creche learn --step {number}")
        raise typer.Exit(130) from None


def _ask() -> int:
    """Return 1 to go on, -1 to go back, and 0 to end."""
    while True:
        # Not `input`, which takes no notice of a Ctrl-C that comes between its prompt and its wait.
        print(PROMPT, end="", flush=True)
        line = sys.stdin.readline()
        if not line:  # the end of the input
            print()
            return 0
        answer = line.strip().lower()
        if answer in ("", "n", "next"):
            return 1
        if answer in ("b", "back"):
            return -1
        if answer in ("q", "quit", "exit"):
            return 0
