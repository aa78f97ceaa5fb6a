"""Results are kept as JSON, one file per machine, system and version, so that a peer runs once."""

import json
import os
import platform
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks._machine import describe_machine

RESULTS = Path(__file__).parents[1] / "results" / "tables"

Result = dict[str, Any]


@dataclass
class ResultFile:
    """The results of one version of a system on one machine, by table and number of the split."""

    path: Path
    system: str
    version: str
    tables: dict[str, dict[int, Result]]
    measured: str = ""

    @classmethod
    def load(cls, path: Path) -> "ResultFile":
        content = json.loads(path.read_text(encoding="utf-8"))
        tables = {name: {result["split"]: result for result in every} for name, every in content["tables"].items()}
        return cls(path, content["system"], content["version"], tables, content.get("measured", ""))

    def __len__(self) -> int:
        return sum(map(len, self.tables.values()))

    def find(self, table: str, split: int, digest: str) -> Result | None:
        """Return the result on this split, unless the test rows were others."""
        result = self.tables.get(table, {}).get(split)
        return result if result is not None and result["digest"] == digest else None

    def add(self, table: str, result: Result) -> None:
        """Keep a result in the file at once: a benchmark that is stopped goes on where it was."""
        if self.path.exists():
            self.tables = ResultFile.load(self.path).tables
        self.tables.setdefault(table, {})[result["split"]] = result
        self.measured = datetime.now(UTC).isoformat(timespec="seconds")
        self.path.parent.mkdir(parents=True, exist_ok=True)
        written = self.path.with_suffix(f".{os.getpid()}.tmp")
        written.write_text(self._to_json(), encoding="utf-8")
        written.replace(self.path)

    def _to_json(self) -> str:
        """One line per result, so that a difference between two versions can be read."""
        machine = describe_machine()[:4]
        head = {"system": self.system, "version": self.version, "machine": machine, "measured": self.measured}
        lines = [json.dumps(head, indent=1)[:-2] + ',\n "tables": {']
        names = sorted(self.tables)
        for name in names:
            every = [json.dumps(result) for _, result in sorted(self.tables[name].items())]
            lines.append(f"  {json.dumps(name)}: [\n   " + ",\n   ".join(every) + "\n  ]" + ("," * (name != names[-1])))
        return "\n".join(lines) + "\n }\n}\n"


def open_results(system: str, version: str, folder: Path | None = None) -> ResultFile:
    """Return the results of this version of a system on this machine, those of earlier runs included."""
    path = (folder or RESULTS / name_machine()) / f"{system}@{version}.json"
    return ResultFile.load(path) if path.exists() else ResultFile(path, system, version, {})


def list_results(folder: Path | None = None) -> Iterator[ResultFile]:
    """Return the results on this machine, the newest first, and then those on others, whose errors are as good."""
    here = RESULTS / name_machine()
    paths = RESULTS.glob("*/*@*.json") if folder is None else folder.glob("*@*.json")
    newest_first = sorted(map(ResultFile.load, paths), key=lambda file: (file.measured, file.path.name), reverse=True)
    yield from sorted(newest_first, key=lambda file: file.path.parent != here)


def name_machine() -> str:
    """Return a name for the processor and the number of cores, as a folder has it: times are compared only within."""
    facts = describe_machine()
    processor = facts[0].removeprefix("Processor: ").replace("family-model-stepping ", "")
    cores = facts[2].rpartition(" ")[2]
    return re.sub(r"[^a-z0-9]+", "-", f"{processor} {cores} cores {platform.machine()}".lower()).strip("-")
