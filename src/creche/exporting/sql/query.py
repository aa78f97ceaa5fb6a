"""The query under construction: steps that each compute columns from those of the step before."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from creche.databases.quoting import quote_name
from creche.plan.words import SqlDialect

__all__ = ["Expression", "Query", "Steps", "double", "number", "text"]

Expression: TypeAlias = str

# What computes in steps: it yields expressions and the columns that are needed later, and gets the names of the former.
Steps: TypeAlias = Generator[tuple[list[Expression], list[Expression]], list[Expression], list[Expression]]

# PostgreSQL refuses a result that is too small or too large for a number.
LARGEST_POWER = 600.0

LARGEST = 1.7976931348623157e308


def text(word: str) -> Expression:
    """Write a word.

    Examples
    --------
    >>> text("rock 'n' roll")
    "'rock ''n'' roll'"

    """
    return "'" + word.replace("'", "''") + "'"


def number(value: float, digits: int = 17) -> Expression:
    """Write a number with an exponent, which makes it one in double precision for DuckDB.

    Examples
    --------
    >>> number(0.25), number(-3), number(1 / 3, 10)
    ('0.25e0', '-3.0e0', '0.3333333333e0')

    """
    written = repr(float(value)) if digits >= 17 else f"{float(value):.{digits}g}"
    return written if "e" in written else f"{written}e0"


def double(expression: Expression) -> Expression:
    """Convert to double precision."""
    return f"CAST({expression} AS double precision)"


@dataclass(slots=True)
class Query:
    """A query, step by step; each step is computed once for each row, before the next begins.

    Attributes
    ----------
    dialect : {"postgresql", "duckdb", "sqlite"}
    source : str
        The table, as it is written in the query.
    prefix : str
        What the names of inner columns begin with, and no column of the table does.
    kept : tuple of str
        The columns of the table that the result has.

    """

    dialect: SqlDialect
    source: str
    prefix: str
    kept: tuple[str, ...]
    _steps: list[str] = field(default_factory=list)
    _count: int = 0

    def column(self, name: str) -> Expression:
        """Return a column of the table."""
        return f"{self.prefix}source.{quote_name(name)}"

    def add_step(self, computed: Sequence[Expression], carried: Iterable[Expression] = ()) -> list[Expression]:
        """Add a step, and return the names of what it computes; `carried` are columns of the step before it."""
        names = [f"{self.prefix}{self._count + i}" for i in range(len(computed))]
        self._count += len(computed)
        is_first = not self._steps
        below = f"{self.source} AS {self.prefix}source" if is_first else f"{self.prefix}step{len(self._steps)}"
        columns = [self.column(name) if is_first else quote_name(name) for name in self.kept]
        columns += dict.fromkeys(carried)
        columns += [f"{expression} AS {name}" for expression, name in zip(computed, names, strict=True)]
        listed = ",\n    ".join(columns)
        # Otherwise PostgreSQL puts the expressions of each step into those of the next, which grows without end.
        self._steps.append(
            f"{self.prefix}step{len(self._steps) + 1} AS MATERIALIZED (\n  SELECT\n    {listed}\n  FROM {below}\n)"
        )
        return names

    def finish(self, results: Mapping[str, Expression]) -> str:
        """Return the query that selects the kept columns and the results."""
        columns = [quote_name(name) for name in self.kept]
        columns += [f"{expression} AS {quote_name(name)}" for name, expression in results.items()]
        listed = ",\n  ".join(columns)
        return f"WITH {', '.join(self._steps)}\nSELECT\n  {listed}\nFROM {self.prefix}step{len(self._steps)}\n"

    def largest(self, *values: Expression) -> Expression:
        """Return the largest of some numbers."""
        return f"{'max' if self.dialect == 'sqlite' else 'greatest'}({', '.join(values)})"

    def smallest(self, *values: Expression) -> Expression:
        """Return the smallest of some numbers."""
        return f"{'min' if self.dialect == 'sqlite' else 'least'}({', '.join(values)})"

    def clip(self, value: Expression, low: float, high: float) -> Expression:
        """Move a number to the nearest limit where it is beyond."""
        return self.smallest(self.largest(value, number(low)), number(high))

    def exp(self, value: Expression) -> Expression:
        """Return the exponential of a number, neither too large nor too small for PostgreSQL."""
        return f"exp({self.clip(value, -LARGEST_POWER, LARGEST_POWER)})"

    def round_to_single(self, value: Expression, precision: str) -> Expression:
        """Round to the precision of a network, where the dialect has single precision."""
        if precision == "float64" or self.dialect == "sqlite":
            return double(value)
        return double(f"CAST({value} AS real)")

    def read_number(self, value: Expression) -> Expression:
        """Return a cell as a number in double precision, and NULL for NaN, or in SQLite for text that is not a number.

        PostgreSQL and DuckDB sort NaN above all numbers, and SQLite would take any text for 0.
        """
        word, value = f"trim({value})", double(value)
        if self.dialect == "sqlite":
            is_other = f"{word} GLOB '*[^-+.0-9eE]*' OR {word} NOT GLOB '*[0-9]*'"
            return f"CASE WHEN {is_other} THEN NULL ELSE {value} END"
        limit = number(LARGEST)
        return f"CASE WHEN {value} > {limit} AND -{value} > {limit} THEN NULL ELSE {value} END"
