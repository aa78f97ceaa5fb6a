"""The page of the comparison, as Markdown."""

import argparse
from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np

from benchmarks._machine import describe_machine
from benchmarks.tables import aggregate
from benchmarks.tables.aggregate import Estimate
from benchmarks.tables.comparison import Comparison, choose_files, error_of
from benchmarks.tables.results import RESULTS, ResultFile, list_results, name_machine
from benchmarks.tables.systems import LIMIT_S, SYSTEMS

# Results without predictions of its own: the majority's answer counted.
FAILED = "failed"

# What the times of fits are compared with.
TIMED = "realmlp-log-loss"

# Below it, the bootstrap over tables has no meaning.
FEWEST_TABLES = 6

Row = list[str]


def write_page(tables: Collection[str], arguments: argparse.Namespace) -> str:
    """Return the page about these tables, and save it if asked to."""
    names = [*arguments.systems, *([arguments.reference] if arguments.systems else [])]
    every = list(list_results(arguments.results))
    chosen = choose_files(every, names)
    places = list(SYSTEMS)
    files = {name: chosen[name] for name in sorted(chosen, key=lambda name: places.index(chosen[name].system))}
    known = {table for file in files.values() for table in file.tables}
    comparison = Comparison(files, arguments.reference, sorted(known & set(tables)), arguments.folds)
    text = "\n".join(describe(comparison, every))
    if arguments.save:
        RESULTS.with_suffix(".md").write_text(text + "\n", encoding="utf-8")
    return text


def describe(comparison: Comparison, files: Collection[ResultFile]) -> list[str]:
    """Return the lines of the page; `files` are all results there are."""
    title = title_of(comparison.reference)
    n_tables = len(comparison.mean_errors([comparison.reference])[0])
    lines = ["# Tables: how well systems predict", ""]
    lines += [f"- {fact}" for fact in describe_machine()[:4]]
    lines += [f"- Page written {datetime.now(UTC):%Y-%m-%d %H:%M} UTC", f"- {n_tables} tables; reference: {title}"]
    if comparison.folds is not None:
        lines.append(f"- The first {comparison.folds} splits of each table only")
    lines += [
        "- The error is the log loss, or the root mean squared error of a number",
        *_load_note(comparison),
        *_limit_note(comparison),
    ]
    lines += ["", f"## Error divided by that of {title}, geometric mean over tables", ""]
    lines += ["Below 1 is better. In brackets: 95 % over bootstraps of the tables.", ""]
    lines += ratio_table(comparison)
    lines += ["", "## Ranks", ""]
    lines += rank_table(comparison)
    lines += ["", "## Kinds of tables, the same ratio", ""]
    lines += kind_table(comparison)
    lines += ["", "## Other measures, mean over tables", ""]
    lines += measure_table(comparison)
    lines += ["", "## Time and memory", ""]
    lines += cost_table(comparison)
    if times := time_table(comparison, files):
        lines += [
            "",
            f"## Time of a fit beside {title_of(TIMED)}, on splits that both fitted on one machine",
            "",
            *times,
        ]
    lines += ["", "## Each table: mean error", ""]
    lines += error_table(comparison)
    return lines


def ratio_table(comparison: Comparison) -> list[str]:
    """One row per system: its ratio, wins by table, and the test over tables."""
    ratios, estimates = {}, {}
    for system in comparison.files:
        tables, errors = comparison.mean_errors([system, comparison.reference])
        if tables and system != comparison.reference:
            ratios[system] = aggregate.log_ratios(*errors)
            estimates[system] = aggregate.estimate_ratio(*errors)
    tested = aggregate.adjust_signed_ranks(ratios)
    rows = []
    for system in sorted(estimates, key=lambda name: estimates[name].value):
        wins = " / ".join(map(str, comparison.count_wins(system)))
        failed = sum(FAILED in result for result in _results(comparison, system))
        cells = [title_of(system), str(len(ratios[system])), _show(estimates[system], ".3f"), wins]
        rows.append([*cells, _show_p(tested[system]), verdict(estimates[system], len(ratios[system])), str(failed)])
    head = ["system", "tables", "ratio", "tables better / level / worse", "Wilcoxon, Holm", "verdict", "failed fits"]
    return markdown(head, rows)


def verdict(ratio: Estimate, n_tables: int) -> str:
    """Ahead or behind only if the whole interval is."""
    if n_tables < FEWEST_TABLES:
        return "too few tables"
    if ratio.high < 1:
        return "ahead"
    return "behind" if ratio.low > 1 else "level"


def rank_table(comparison: Comparison) -> list[str]:
    """Mean rank, Elo and improvability, on the tables that all ranked systems have."""
    systems = comparison.ranked_systems()
    tables, errors = comparison.mean_errors(systems)
    if not tables or len(systems) < 2:
        return ["Not enough systems share a table."]
    ranks = aggregate.estimate_means(aggregate.rank_systems(errors))
    elo = aggregate.estimate_elo(errors, systems.index(comparison.reference))
    improvable = aggregate.estimate_means(aggregate.find_improvability(errors))
    order = np.argsort([rank.value for rank in ranks], kind="stable")
    rows = [
        [title_of(systems[i]), _show(ranks[i], ".2f"), _show(elo[i], ".0f"), _show(improvable[i], ".1f")] for i in order
    ]
    lines = [f"{len(systems)} systems on the {len(tables)} tables that all of them have.", ""]
    return lines + markdown(["system", "mean rank", "Elo", "improvability, %"], rows)


def kind_table(comparison: Comparison) -> list[str]:
    """The ratio of each system on classes, numbers, and by the number of rows."""
    kinds: dict[str, Callable[[str], bool]] = {
        "classes": comparison.is_classification,
        "numbers": lambda table: not comparison.is_classification(table),
        "under 1,000 rows": lambda table: comparison.rows_of(table) < 1_000,
        "1,000 to 5,000": lambda table: 1_000 <= comparison.rows_of(table) <= 5_000,
        "over 5,000": lambda table: comparison.rows_of(table) > 5_000,
    }
    rows = []
    for system in comparison.files:
        if system == comparison.reference:
            continue
        tables, errors = comparison.mean_errors([system, comparison.reference])
        row = [title_of(system)]
        for belongs in kinds.values():
            chosen = [place for place, table in enumerate(tables) if belongs(table)]
            mean = np.exp(aggregate.log_ratios(*errors[:, chosen]).mean()) if chosen else np.nan
            row.append(f"{mean:.3f} ({len(chosen)})" if chosen else "")
        rows.append(row)
    return markdown(["system", *kinds], rows)


def measure_table(comparison: Comparison) -> list[str]:
    """The means of the other measures, on the tables that all ranked systems have."""
    systems = comparison.ranked_systems()
    tables, _ = comparison.mean_errors(systems)
    names = {"log_loss": "log loss", "auc": "AUC", "error": "error", "brier": "Brier", "ece": "ECE-15"}
    rows = []
    for place, system in enumerate(systems):
        cells = [title_of(system)]
        for measure in [*names, "coverage_90"]:
            means = []
            for table in tables:
                values = [r[measure] for r in comparison.shared_results(systems, table)[place] if measure in r]
                means += [np.nanmean(values)] if values else []
            cells.append(f"{np.mean(means):.4f}" if means else "")
        rows.append(cells)
    return markdown(["system", *names.values(), "coverage of 90 % intervals"], rows)


def cost_table(comparison: Comparison) -> list[str]:
    """Seconds and memory, of results on this machine."""
    rows = []
    for system, file in comparison.files.items():
        results = [result for result in _results(comparison, system) if FAILED not in result]
        if not results:
            continue
        here = file.path.parent.name == name_machine() or file.path.parent.parent != RESULTS
        fits = [result["fit_s"] for result in results]
        per_row = [result["predict_s"] / result["rows"][1] * 1e6 for result in results]
        peaks = [result["peak_mib"] for result in results]
        costs = [f"{np.median(fits):.2f}", f"{max(fits):.1f}", f"{sum(fits):.0f}", f"{np.median(per_row):.1f}"]
        where = "" if here else f" ({file.path.parent.name})"
        rows.append([title_of(system) + where, file.version, str(len(fits)), *costs, f"{max(peaks):.0f}"])
    head = [
        "system",
        "version",
        "fits",
        "fit, median s",
        "longest",
        "sum",
        "predict, µs a row",
        "peak memory, MiB",
    ]
    return markdown(head, rows)


def time_table(comparison: Comparison, files: Collection[ResultFile]) -> list[str]:
    """How long systems take beside the timed one, on each machine that has results of both; empty if none has."""
    rows = []
    for system, newest in comparison.files.items():
        for mine in files:
            if (mine.system, mine.version) != (newest.system, newest.version) or mine.system == TIMED:
                continue
            for theirs in files:
                if theirs.system == TIMED and theirs.path.parent == mine.path.parent:
                    rows.append([title_of(system), *_compare_times(comparison.tables, mine, theirs)])
    head = ["system", "machine", "fits", "median s", f"of {title_of(TIMED)}", "ratio of medians", "median ratio"]
    compared = [row for row in rows if row[2] != "0"]
    return markdown(head, compared) if compared else []


def _compare_times(tables: Collection[str], mine: ResultFile, theirs: ResultFile) -> Row:
    pairs = [
        (found["fit_s"], other["fit_s"])
        for table in tables
        for split, found in mine.tables.get(table, {}).items()
        if (other := theirs.find(table, split, found["digest"])) and FAILED not in found and FAILED not in other
    ]
    if not pairs:
        return [mine.path.parent.name, "0"]
    a, b = np.array(pairs).T
    medians = [f"{np.median(a):.2f}", f"{np.median(b):.2f}"]
    ratios = [f"{np.median(a) / np.median(b):.2f}", f"{np.median(a / b):.2f}"]
    return [mine.path.parent.name, str(len(pairs)), *medians, *ratios]


def error_table(comparison: Comparison) -> list[str]:
    """The mean error of each system on each table, the best in bold, on the splits it shares with the reference."""
    systems = list(comparison.files)
    rows = []
    for table in comparison.tables:
        errors = np.full(len(systems), np.nan)
        for place, system in enumerate(systems):
            mine, _ = comparison.shared_results([system, comparison.reference], table)
            if mine:
                errors[place] = np.mean([error_of(result) for result in mine])
        if np.all(np.isnan(errors)):
            continue
        best = float(np.nanmin(errors))
        cells = ["" if np.isnan(e) else f"**{e:.4g}**" if e == best else f"{e:.4g}" for e in errors]
        rows.append([table, f"{comparison.rows_of(table):,}", *cells])
    return markdown(["table", "rows", *systems], rows)


def markdown(head: Sequence[str], rows: Sequence[Row]) -> list[str]:
    """Return a table in Markdown; all columns but the first are right-aligned."""
    every = [list(head), *rows]
    widths = [max(len(row[i]) for row in every) for i in range(len(head))]

    def line(row: Sequence[str]) -> str:
        cells = [
            cell.ljust(w) if i == 0 else cell.rjust(w) for i, (cell, w) in enumerate(zip(row, widths, strict=True))
        ]
        return f"| {' | '.join(cells)} |"

    rule = "|".join("-" * (w + 1) + ("-" if i == 0 else ":") for i, w in enumerate(widths))
    return [line(head), f"|{rule}|", *map(line, rows)]


def title_of(system: str) -> str:
    """Return the title of a system; NAME@VERSION keeps its version."""
    name, at, version = system.partition("@")
    return (SYSTEMS[name].title if name in SYSTEMS else name) + (f" {version}" if at else "")


def _results(comparison: Comparison, system: str) -> list[dict[str, Any]]:
    return [result for table in comparison.tables for result in comparison.results_of(system, table).values()]


def _load_note(comparison: Comparison) -> list[str]:
    loads = [
        result["load"] for system in comparison.files for result in _results(comparison, system) if "load" in result
    ]
    if not loads or np.median(loads) <= 2.5:
        return []
    return [f"- **Not idle: the load was {np.median(loads):.1f} (median). Errors are comparable, times are not.**"]


def _limit_note(comparison: Comparison) -> list[str]:
    counts = {
        system: sum(result["fit_s"] > LIMIT_S and FAILED not in result for result in _results(comparison, system))
        for system in comparison.files
    }
    longer = ", ".join(f"{title_of(system)} {count}" for system, count in counts.items() if count)
    return [f"- **Fits over {LIMIT_S:g} s, for which the limit was raised: {longer}**"] if longer else []


def _show(estimate: Estimate, form: str) -> str:
    return f"{estimate.value:{form}} ({estimate.low:{form}}–{estimate.high:{form}})"


def _show_p(p: float) -> str:
    return "< 0.001" if p < 0.001 else f"{p:.3f}"
