"""Through Ray's client, as from a machine outside of the cluster: the same bytes, and never another cluster."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from tools.ray_nodes import free_ports, own_folder

from tests.patience import PATIENCE
from tests.unit.cli.commands import wait_until
from tests.unit.training.test_processes import free_port

pytestmark = [pytest.mark.cluster]

ROOT = Path(__file__).parents[2]
PROGRAM = """
import sys
import creche as cr
from tests.unit.model_selection.sweeps import digests, run_sweep
from tests.unit.training.test_processes import JOB, weights

address = sys.argv[1]
alone = weights(cr.train("penguins", **JOB))
assert weights(cr.train("penguins", **JOB, processes=2, cluster=address)) == alone
assert digests(run_sweep(seeds=2, cluster=address)) == digests(run_sweep(seeds=2))
try:
    run_sweep(cluster="ray://127.0.0.77:10001")
except cr.CrecheError as error:
    print(error)
"""


def answers(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.2", port)):
        return True
    return False


@pytest.fixture
def head(tmp_path: Path) -> Iterator[str]:
    """The address of the client's server, of a cluster of one machine."""
    pytest.importorskip("ray")
    pytest.importorskip("grpc")
    port, clients = free_port(), free_port()
    helpers = {name.replace("_", "-"): number for name, number in free_ports().items()}
    helpers["dashboard-agent-grpc-port"] = helpers.pop("metrics-agent-port")
    options = {
        "node-ip-address": "127.0.0.2", "port": port, "num-cpus": 2, "ray-client-server-port": clients,
        "include-dashboard": "false", "object-store-memory": 80_000_000, **helpers,
    }  # fmt: skip
    command = [sys.executable, "-m", "ray.scripts.scripts", "start", "--head", "--block"]
    with own_folder(), (tmp_path / "head.txt").open("w") as log:
        started = subprocess.Popen(
            [*command, *(f"--{name}={value}" for name, value in options.items())], stdout=log, stderr=log
        )
        try:
            wait_until(lambda: started.poll() is not None or answers(clients))
            assert started.poll() is None, (tmp_path / "head.txt").read_text()
            yield f"ray://127.0.0.2:{clients}"
        finally:
            started.terminate()
            started.wait(PATIENCE)


def test_the_same_bytes_and_no_other_cluster(head: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM, head], cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert ended.returncode == 0, ended.stderr
    assert f"through {head}, not through ray://127.0.0.77:10001; call ray.shutdown() first" in ended.stdout
