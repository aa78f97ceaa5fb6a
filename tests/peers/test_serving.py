"""The server against tools that others wrote: schemathesis, which looks for faults, and the parser of Prometheus."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import creche as cr
from creche.serving.bodies import Limits
from tests.unit.serving.serving import running

pytestmark = pytest.mark.peers

TOKEN = "correct-horse-battery"
EXAMPLES = 20
HOOKS = Path(__file__).with_name("serving_hooks.py")


@pytest.fixture(scope="module")
def model_files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("served")
    paths = [folder / name for name in ("penguins.creche", "numbers.creche")]
    cr.train("penguins", label="species", hidden=[4], epochs=3, threads=1).model.save(paths[0])
    four = cr.datasets.penguins_four().drop_nulls()
    columns = ["bill_length_mm", "bill_depth_mm"]
    x, y = four.select(columns).to_numpy(), four["body_mass_hg"].to_numpy()
    cr.train(x, y, task="regression", hidden=[4], epochs=3, threads=1).model.save(paths[1])
    return paths


def test_schemathesis_finds_nothing(model_files: list[Path], tmp_path: Path) -> None:
    pytest.importorskip("schemathesis")
    command = Path(sys.executable).with_name("schemathesis")
    # With fewer rows, schemathesis writes shorter bodies that have too many.
    with running(*model_files, token=TOKEN, limits=Limits(max_rows=20)) as (_, client):
        arguments = [
            str(command), "run", f"http://{client.host}/openapi.json", "--max-examples", str(EXAMPLES), "--seed", "1",
            "--generation-database", "none", "--header", f"Authorization: Bearer {TOKEN}",
        ]  # fmt: skip
        hooked = os.environ | {"SCHEMATHESIS_HOOKS": "serving_hooks", "PYTHONPATH": str(HOOKS.parent)}
        found = subprocess.run(arguments, env=hooked, cwd=tmp_path, capture_output=True, text=True, check=False)
        failed = client.count('creche_requests_total{endpoint="predict",status="500"}')
    assert (found.returncode, failed) == (0, 0), found.stdout[-5000:] + found.stderr[-2000:]


def test_prometheus_parses_the_metrics(model_files: list[Path]) -> None:
    parser = pytest.importorskip("prometheus_client.parser")
    with running(*model_files) as (_, client):
        row = {column["name"]: column["example"] for column in client.get("/models/penguins").data["columns"]}
        path = "/models/penguins/predict"
        client.post(path, {"rows": [row, row | {"island": 'a"\\\n'}, row | {"bill_length_mm": 4.5}]})
        client.post(path, {"rows": [{}]})
        text = client.get("/metrics").body.decode()
    samples = {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in parser.text_string_to_metric_families(text)
        for sample in family.samples
    }
    assert samples["creche_rows_total", ("model", "penguins")] == 3
    assert samples["creche_refused_requests_total", ("model", "penguins")] == 1
    assert samples["creche_requests_total", ("endpoint", "predict"), ("status", "422")] == 1
    assert samples["creche_request_seconds_bucket", ("endpoint", "predict"), ("le", "+Inf")] == 2
    assert samples["creche_request_seconds_count", ("endpoint", "predict")] == 2
    unusual = "creche_unusual_values_total", ("column", "bill_length_mm"), ("kind", "outside_range")
    assert samples[*unusual, ("model", "penguins")] == 1
