"""The page of a table before training: its columns, what to check, and the options that would change them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from creche._advice import advise, has_command_line_words
from creche._phrases import format_count, list_first, shorten_text
from creche.pages.tables import facts_table, format_value, note, plain_table
from creche.render.text import terminal_width
from creche.table.roles import INPUT_ROLES

if TYPE_CHECKING:
    from creche.table.column_inspection import ColumnInspection, Finding, LabelSummary
    from creche.table.column_summary import ColumnSummary

__all__ = ["columns_page"]

MAX_COLUMNS = 60  # of a table that is shown whole; of a wider one, the first
FIRST_COLUMNS = 20

MAX_OPTIONS = 20

MAX_FINDINGS = 6  # of one kind
MAX_NAMES = 8

MAX_CLASSES = 6

GAP = 2  # characters between columns

PAGE_WIDTH, NAME_WIDTH, VALUE_WIDTH, MIN_VALUES_WIDTH, OPTION_WIDTH = 80, 24, 14, 14, 50  # characters


def columns_page(inspection: ColumnInspection) -> RenderableType:
    """Render the inspection of a table."""
    parts: list[RenderableType] = [_facts(inspection), Text(), _columns_table(inspection.columns)]
    if inspection.findings:
        parts += [Text(), *_list_findings(inspection.findings)]
    options = _list_options(inspection)
    return Group(*parts, *([Text(), *options] if options else []))


def _facts(inspection: ColumnInspection) -> Table:
    facts = facts_table()
    duplicates = format_count(inspection.duplicates, "duplicate") if inspection.duplicates else "no duplicates"
    facts.add_row("rows", f"{inspection.rows:,}, {duplicates}")
    inputs = sum(column.role in INPUT_ROLES for column in inspection.columns)
    facts.add_row("features", f"{inputs:,} of {format_count(len(inspection.columns), 'column')}")
    if inspection.label is None:
        facts.add_row("label", f"none; {advise('label', ...)} also shows the task and columns that leak the label")
    else:
        facts.add_row("label", _describe_label(inspection.label, inspection.columns))
        if inspection.label.task is not None:
            alternative = inspection.label.alternative
            other = f"; {advise('task', alternative)} is possible as well" if alternative else ""
            facts.add_row("task", f"{inspection.label.task}{other}")
    return facts


def _describe_label(label: LabelSummary, columns: Sequence[ColumnSummary]) -> str:
    name = ", ".join(label.names)
    if label.task != "classification":
        ranges = [_describe_values(c, PAGE_WIDTH) for c in columns if c.name in label.names]
        if label.task == "multilabel":
            return f"{name}: {len(label.names)} labels of yes or no"
        return f"{name}: {', '.join(filter(None, ranges)) or 'neither classes nor numbers'}"
    shown = [f"{shorten_text(value, VALUE_WIDTH)} {count:,}" for value, count in label.classes]
    return f"{name}, {len(label.classes):,} classes: {list_first(shown, MAX_CLASSES)}"


def _columns_table(columns: Sequence[ColumnSummary]) -> Table:
    left = ("column", "role", "kind", "values")
    table = plain_table("column", "role", "kind", "missing", "distinct", "values", left=left)
    table.columns[0].overflow = table.columns[-1].overflow = "fold"
    for each in table.columns[1:-1]:
        each.no_wrap = True
    table.columns[-1].style = "dim"
    shown = columns if len(columns) <= MAX_COLUMNS else columns[:FIRST_COLUMNS]
    names = [shorten_text(c.name, NAME_WIDTH) for c in shown]
    cells = [[name, c.role, c.kind, f"{c.missing:,}", f"{c.distinct:,}"] for name, c in zip(names, shown, strict=True)]
    headers = [str(each.header) for each in table.columns[:-1]]
    widths = [max(map(cell_len, each)) for each in zip(headers, *cells, strict=True)]
    space = max(PAGE_WIDTH - sum(widths) - GAP * (len(widths) + 1), MIN_VALUES_WIDTH)
    if terminal_width() < PAGE_WIDTH:  # where the values are in a table of their own, beside the names
        space = max(terminal_width() - widths[0] - 2 * GAP, MIN_VALUES_WIDTH)
    for column, texts in zip(shown, cells, strict=True):
        table.add_row(*texts, _describe_values(column, space))
    rest = columns[len(shown) :]
    if rest:
        table.add_row(f"… {len(rest):,} more", style="dim")
        for (role, kind), count in Counter((column.role, column.kind) for column in rest).most_common():
            gaps = sum(column.missing for column in rest if (column.role, column.kind) == (role, kind))
            table.add_row("", role, kind, f"{gaps:,}", "", format_count(count, "column"), style="dim")
    return table


def _describe_values(column: ColumnSummary, space: int) -> str:
    """Describe the range of a column, or as many of its most frequent values as fit."""
    if column.frequent:
        shown = [f"{shorten_text(value, VALUE_WIDTH)} {count:,}" for value, count in column.frequent]
        while len(shown) > 1 and cell_len(", ".join(shown)) > space - (3 if len(shown) < column.distinct else 0):
            shown.pop()
        return ", ".join(shown) + (", …" if len(shown) < column.distinct else "")
    if column.low is None:
        return ""
    low, high = (f"{v:,}" if isinstance(v, int) else format_value(v, digits=5) for v in (column.low, column.high))
    return low if low == high else f"{low} to {high}"


def _list_findings(findings: Sequence[Finding]) -> list[RenderableType]:
    """List what is worth checking, each with the option that would change it; of many of one kind, the first."""
    parts: list[RenderableType] = [Text("Before training", style="bold")]
    kinds = list(dict.fromkeys(finding.kind for finding in findings))
    for kind in kinds:
        of_kind = [finding for finding in findings if finding.kind == kind]
        shown = of_kind if len(of_kind) <= MAX_FINDINGS else of_kind[: MAX_FINDINGS - 1]
        for finding in shown:
            text = "; ".join(filter(None, (finding.text, finding.remedy)))
            parts.append(note(f"{text[:1].upper()}{text[1:]}", ""))
            if change := finding.change:
                parts.append(note(change, "bold", 6))
        rest = of_kind[len(shown) :]
        if rest:
            names = ", ".join(finding.column for finding in rest[:MAX_NAMES] if finding.column)
            more = ", …" if len(rest) > MAX_NAMES else ""
            words = f"… and {len(rest):,} more such {'column' if len(rest) == 1 else 'columns'}: {names}{more}"
            parts.append(note(words))
    return parts


def _list_options(inspection: ColumnInspection) -> list[RenderableType]:
    """List the options that would give columns another role, except for columns with a finding."""
    if not has_command_line_words() or all(column.alternative is None for column in inspection.columns):
        return []
    found = {finding.column for finding in inspection.findings if finding.change}
    others = [c for c in inspection.columns if c.alternative not in (None, "ignore") and c.name not in found]
    options = [
        (advise("schema", {column.name: column.alternative}), f"{column.alternative}, not {column.role}")
        for column in others[:MAX_OPTIONS]
        if column.alternative is not None
    ]
    if len(others) > MAX_OPTIONS:
        options.append((advise("schema", ...), f"another role for {len(others) - MAX_OPTIONS:,} more columns"))
    options.append((advise("schema", {"NAME": "ignore"}), "leaves a column out"))
    # An option that is broken into two lines cannot be pasted, so a long one has its line to itself.
    widths = [cell_len(option) for option, _ in options]
    width = max(each for each in widths if each <= OPTION_WIDTH)
    parts: list[RenderableType] = [Text("Other options", style="bold")]
    for (option, effect), each in zip(options, widths, strict=True):
        text = f"{option}{' ' * (width - each)}  {effect}" if each <= OPTION_WIDTH else option
        if each <= OPTION_WIDTH and cell_len(text) + 2 > terminal_width():
            parts += [note(option, ""), note(effect, "", 6)]
        else:
            parts.append(Padding(Text(text, overflow="fold"), (0, 0, 0, 2)))
    return parts
