"""Checks of categories: those that training did not have, and how often the others occur."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from creche._phrases import format_count, shorten_text
from creche.model.finding import MIN_DISTANCE, MIN_ROWS, Finding, count_values
from creche.table.cell_types import ColumnContext, Rule
from creche.table.column_statistics import CategoryCounts, hash_category
from creche.table.encoders.categorical import CategoricalEncoder
from creche.table.table import Column
from creche.table.word_columns import coerce_column

__all__ = ["CategoryCheck"]

MAX_UNSEEN = 1000  # different categories that are counted by name

NAMED = 5  # categories in a message

LONGEST_SHOWN = 40  # characters

MAX_COMPARED = 1000  # categories among which one of a similar spelling is looked for

SIMILAR = 0.75  # the share of characters that two spellings of a word have in common


@dataclass(slots=True)
class CategoryCheck:
    """The categories of one column, against those of the training rows."""

    encoder: CategoricalEncoder
    training: CategoryCounts | None
    present: int = 0
    unseen_rows: int = 0
    unseen: Counter[str] = field(default_factory=Counter)
    counts: NDArray[np.int64] = field(init=False)
    index: dict[str, int] = field(init=False)
    rare: set[int] | None = field(init=False)

    def __post_init__(self) -> None:
        self.index = {word: i for i, word in enumerate(self.encoder.categories)}
        self.counts = np.zeros(len(self.index) + 1, dtype=np.int64)
        if self.training is None:
            self.rare = None if self.encoder.buckets else set()  # without a shared input there are no others
        else:
            is_text = self.training.expected_unseen > 0.5
            self.rare = set(self.training.rare.tolist()) if self.training.is_complete and not is_text else None

    def add(self, column: Column) -> None:
        context = ColumnContext("the table", self.encoder.name)
        column = coerce_column(column, Rule("words", required=True), context)
        codes = column.values[column.values >= 0]
        self.present += len(codes)
        counts = np.bincount(codes, minlength=len(column.words))
        words = self.encoder.match_categories(column.words)
        for code in np.flatnonzero(counts).tolist():
            word, count = column.words[code], int(counts[code])
            place = self.index.get(words[code])
            if place is not None:
                self.counts[place] += count
            elif self.rare is None or hash_category(words[code]) in self.rare:
                self.counts[-1] += count
            else:
                self.unseen_rows += count
                if word in self.unseen or len(self.unseen) < MAX_UNSEEN:
                    self.unseen[word] += count

    def findings(self, level: float) -> list[Finding]:
        if not self.present:
            return []
        found = [self._describe_unseen()] if self.unseen_rows else []
        shift = self._describe_shift(level)
        return found if shift is None else [*found, shift]

    def _describe_unseen(self) -> Finding:
        name, known = self.encoder.name, {word.strip().casefold(): word for word in self.encoder.categories}
        named = []
        for word, count in self.unseen.most_common(NAMED):
            near = _find_near(word, known)
            hint = "" if near is None else f" (did you mean {near!r}?)"
            named.append(f"{shorten_text(word, LONGEST_SHOWN)!r} in {format_count(count, 'row')}{hint}")
        if len(self.unseen) > NAMED:
            more = "or more" if len(self.unseen) >= MAX_UNSEEN else "more"
            named.append(f"and {len(self.unseen) - NAMED:,} {more} categories")
        expected = 0.0 if self.training is None else self.training.expected_unseen * self.present
        let = f"; about {expected:,.0f} rows were to be expected" if expected >= 1 else ""
        message = (
            f"{name}: {count_values(self.unseen_rows, self.present)} of a category that training did not have: "
            f"{', '.join(named)}{let}"
        )
        return Finding(name, "unseen_category", self.unseen_rows, self.present, message)

    def _describe_shift(self, level: float) -> Finding | None:
        if self.training is None:
            return None
        before = self.training.rows
        rows, before_rows = self.present, int(before.sum())
        if min(rows, before_rows) < MIN_ROWS:
            return None
        now, then = np.append(self.counts, self.unseen_rows), np.append(before, 0)
        shares, shares_before = now / rows, then / before_rows
        distance = float(np.abs(shares - shares_before).sum()) / 2
        # Unseen categories have a finding of their own.
        if distance < MIN_DISTANCE or self.unseen_rows / rows > distance / 2:
            return None
        noise = 1 / rows + 1 / before_rows
        pooled = (now + then) / (rows + before_rows)
        by_chance = float(np.sqrt(pooled * (1 - pooled) * noise).sum()) / 2  # at most, in the mean
        if distance <= by_chance + math.sqrt(-math.log(level) * noise / 2):  # McDiarmid's inequality
            return None
        k = int(np.abs(shares - shares_before)[:-1].argmax())
        category = repr(self.encoder.categories[k]) if k < len(self.index) else "a rare category"
        name = self.encoder.name
        message = (
            f"{name}: the distribution has changed: {category} in {shares[k]:.0%} of the rows, in training "
            f"{shares_before[k]:.0%} (distance {distance:.2f})"
        )
        return Finding(name, "distribution", rows, rows, message)


def _find_near(word: str, known: dict[str, str]) -> str | None:
    """Return the category that is written like `word`, by its trimmed spelling in lower case; None if none is."""
    typed = word.strip().casefold()
    if typed in known or len(known) > MAX_COMPARED:
        return known.get(typed)
    from difflib import get_close_matches  # only now: most categories are known

    found = get_close_matches(typed, known, 1, SIMILAR)
    return known[found[0]] if found else None
