"""What the server counts, in the text format of Prometheus."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from creche.serving.served_model import Models

__all__ = ["Metrics"]

BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)

SUMMED = ("requests", "total_seconds", "rows", "warnings", "refused")
"""The counters whose sum over processes means something."""


class Metrics:
    """Counters of one server.

    Attributes
    ----------
    in_progress : int
        Requests that are being answered.

    """

    def __init__(self) -> None:
        self.in_progress = 0
        self._requests: Counter[tuple[str, int]] = Counter()
        self._seconds: dict[str, list[int]] = {}
        self._total_seconds: Counter[str] = Counter()
        self._rows: Counter[str] = Counter()
        self._warnings: Counter[tuple[str, str, str]] = Counter()
        self._refused: Counter[str] = Counter()
        self._reloads: Counter[tuple[str, str]] = Counter()

    def count_request(self, endpoint: str, status: int, seconds: float) -> None:
        """Count an answer, and the time that it took."""
        self._requests[endpoint, status] += 1
        counts = self._seconds.get(endpoint)
        if counts is None:
            counts = self._seconds[endpoint] = [0] * (len(BUCKETS) + 1)
        counts[bisect_left(BUCKETS, seconds)] += 1
        self._total_seconds[endpoint] += seconds  # type: ignore[assignment]

    def count_rows(self, model: str, rows: int) -> None:
        """Count rows that were predicted."""
        self._rows[model] += rows

    def count_refused(self, model: str) -> None:
        """Count a request with rows that the model cannot take."""
        self._refused[model] += 1

    def count_unusual(self, model: str, column: str, kind: str, values: int) -> None:
        """Count values that are unlike those of the training rows."""
        self._warnings[model, column, kind] += values

    def count_reload(self, model: str, outcome: str) -> None:
        """Count that a model was loaded again, or that this failed."""
        self._reloads[model, outcome] += 1

    def to_dict(self) -> dict[str, Any]:
        """Return all numbers as plain data, which `add` takes in another process."""
        counters = {name: list(getattr(self, f"_{name}").items()) for name in (*SUMMED, "reloads")}
        return {"in_progress": self.in_progress, "seconds": self._seconds, **counters}

    def add(self, data: Mapping[str, Any]) -> None:
        """Add the numbers of another process that serves the same models.

        Each process loads a file that was replaced, which counts once: as often as in the one where it happened most.

        Parameters
        ----------
        data : dict
            As `to_dict` returns it, also after a way through JSON.

        """
        self.in_progress += data["in_progress"]
        for endpoint, counts in data["seconds"].items():
            own = self._seconds.get(endpoint, [0] * len(counts))
            self._seconds[endpoint] = [a + b for a, b in zip(own, counts, strict=True)]
        for name in SUMMED:
            counter = getattr(self, f"_{name}")
            for key, count in data[name]:
                counter[tuple(key) if isinstance(key, list) else key] += count
        for key, count in data["reloads"]:
            self._reloads[tuple(key)] = max(self._reloads[tuple(key)], count)

    def write(self, models: Models, is_ready: bool) -> str:
        """Return all numbers as text."""
        lines: list[str] = []
        _write(lines, "creche_ready", "gauge", "Whether the server takes requests.", [("", int(is_ready))])
        _write(
            lines, "creche_model_info", "gauge", "The models that are served; always 1.",
            [(_labels(model=m.name, digest=m.digest, task=m.model.labels.task), 1) for m in models.by_name.values()],
        )  # fmt: skip
        _write(
            lines, "creche_model_loaded_timestamp_seconds", "gauge", "When each model was loaded.",
            [(_labels(model=m.name), m.loaded.timestamp()) for m in models.by_name.values()],
        )  # fmt: skip
        _write(
            lines, "creche_requests_in_progress", "gauge", "Requests that are being answered.",
            [("", self.in_progress)],
        )  # fmt: skip
        _write(
            lines, "creche_requests_total", "counter", "Answered requests by endpoint and status.",
            [(_labels(endpoint=e, status=str(s)), count) for (e, s), count in sorted(self._requests.items())],
        )  # fmt: skip
        self._write_seconds(lines)
        _write(
            lines, "creche_rows_total", "counter", "Predicted rows.",
            [(_labels(model=name), self._rows[name]) for name in models.by_name],
        )  # fmt: skip
        _write(
            lines, "creche_refused_requests_total", "counter", "Requests with rows that the model cannot take.",
            [(_labels(model=name), self._refused[name]) for name in models.by_name],
        )  # fmt: skip
        _write(
            lines, "creche_unusual_values_total", "counter", "Values unlike those of the training rows.",
            [(_labels(model=m, column=c, kind=k), n) for (m, c, k), n in sorted(self._warnings.items())],
        )  # fmt: skip
        _write(
            lines, "creche_reloads_total", "counter", "Model files that were loaded again, or could not be.",
            [
                (_labels(model=name, outcome=outcome), self._reloads[name, outcome])
                for name in models.by_name
                for outcome in ("failed", "loaded")
            ],
        )  # fmt: skip
        return "\n".join(lines) + "\n"

    def _write_seconds(self, lines: list[str]) -> None:
        name = "creche_request_seconds"
        lines += [f"# HELP {name} Time from the headers of a request to its whole answer.", f"# TYPE {name} histogram"]
        for endpoint, counts in sorted(self._seconds.items()):
            total = 0
            for bound, count in zip((*map(str, BUCKETS), "+Inf"), counts, strict=True):
                total += count
                lines.append(f"{name}_bucket{_labels(endpoint=endpoint, le=bound)} {total}")
            lines.append(f"{name}_sum{_labels(endpoint=endpoint)} {float(self._total_seconds[endpoint])!r}")
            lines.append(f"{name}_count{_labels(endpoint=endpoint)} {total}")


def _write(lines: list[str], name: str, kind: str, text: str, values: Iterable[tuple[str, float]]) -> None:
    lines += [f"# HELP {name} {text}", f"# TYPE {name} {kind}"]
    lines += [f"{name}{labels} {value}" for labels, value in values]


def _labels(**labels: str) -> str:
    escaped = (
        (name, value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")) for name, value in labels.items()
    )
    return "{" + ",".join(f'{name}="{value}"' for name, value in escaped) + "}"
