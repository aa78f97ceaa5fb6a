"""Run exported ONNX files where others do: the oldest runtime that the documentation names, Node and a browser.

    python tools/onnx_runtimes.py FOLDER

installs what it needs into the folder, which may be there from the last time: ONNX Runtime 1.17.3 in an environment of
its own (pip), and onnxruntime-web (npm, 150 MB). Then it exports models of every kind of column, and compares what each
runtime predicts with the models; the browser is Chromium, by Playwright.
"""

from __future__ import annotations

import argparse
import functools
import http.server
import json
import os
import shutil
import subprocess
import sys
import threading
import venv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "src")]

from tests.models_to_export import ensemble, fitted, table, train  # noqa: E402

from creche.exporting.onnx.feeds import build_feeds, read_rows  # noqa: E402
from creche.plan.activations import ACTIVATIONS  # noqa: E402

OLDEST, WEB = "onnxruntime==1.17.3", "onnxruntime-web@1.30.0"
ALLOWED = 1e-6

# What runs the cases of a file in a runtime of Python; the runtime may be older than this Python's packages.
IN_PYTHON = """
import json, sys
import numpy as np, onnxruntime
types = {"string": object, "float64": np.float64, "int64": np.int64}
found = {}
for path, feeds in json.load(open(sys.argv[1])).items():
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    given = {n: np.array(f["data"], dtype=types[f["type"]]).reshape(f["dims"]) for n, f in feeds.items()}
    name = "probabilities" if any(o.name == "probabilities" for o in session.get_outputs()) else "prediction"
    found[path] = session.run([name], given)[0].tolist()
print(json.dumps(found))
"""

# The same in JavaScript, with what Node and a browser have in common.
IN_JAVASCRIPT = """
export async function runCases(ort, cases, load) {
  ort.env.wasm.numThreads = 1;
  const found = {};
  for (const [path, feeds] of Object.entries(cases)) {
    const session = await ort.InferenceSession.create(await load(path));
    const convert = {
      string: (data) => data,
      int64: (data) => BigInt64Array.from(data.map(BigInt)),
      float64: (data) => Float64Array.from(data, (value) => value ?? NaN),
    };
    const tensor = ({ type, data, dims }) => new ort.Tensor(type, convert[type](data), dims);
    const given = Object.fromEntries(Object.entries(feeds).map(([name, feed]) => [name, tensor(feed)]));
    const results = await session.run(given);
    const { data, dims } = results.probabilities ?? results.prediction;
    const width = dims[1];
    found[path] = Array.from({ length: dims[0] }, (_, i) => [...data.slice(i * width, (i + 1) * width)].map(Number));
  }
  return found;
}
"""

IN_NODE = """
import fs from "node:fs";
import * as ort from "onnxruntime-web";
import { runCases } from "./cases.mjs";
const cases = JSON.parse(fs.readFileSync(process.argv[2]));
console.log(JSON.stringify(await runCases(ort, cases, (path) => new Uint8Array(fs.readFileSync(path)))));
"""

PAGE = """<!doctype html><meta charset="utf-8"><script type="module">
import * as ort from "./node_modules/onnxruntime-web/dist/ort.wasm.min.mjs";
import { runCases } from "./cases.mjs";
const bytes = async (path) => new Uint8Array(await (await fetch(path.split("/").pop())).arrayBuffer());
window.found = runCases(ort, await (await fetch("cases.json")).json(), bytes);
</script>"""

Found = dict[str, list[list[float]]]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    folder: Path = parser.parse_args().folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    models: dict[str, Any] = {"network": train(), "ensemble": ensemble(temperature=2.0), "fit": fitted("class"),
              "numbers": train("amount", number_embedding="periodic", category_embedding=2)}  # fmt: skip
    # Runtimes replace some nodes by others, which not all of them have for both precisions.
    for word in ACTIVATIONS.words:
        models |= {f"{word}-{each}": train(activation=word, precision=each) for each in ("float32", "float64")}
    cases = {}
    for name, model in models.items():
        path = folder / f"{name}.onnx"
        model.to_onnx(path)
        cases[str(path)] = describe_feeds(model)
    (folder / "cases.json").write_text(json.dumps(cases))
    failed = 0
    for what, run in (("ONNX Runtime 1.17.3", run_oldest), ("Node", run_node), ("Chromium", run_chromium)):
        found = run(folder)
        for name, model in models.items():
            difference = compare(model, np.array(found[str(folder / f"{name}.onnx")]))
            failed += difference > ALLOWED
            print(f"{what}: {name}: largest difference {difference:.1e}")
    return 1 if failed else 0


def describe_feeds(model: Any) -> dict[str, Any]:
    """Return the rows of the table as the inputs of the file, in JSON."""
    described = {}
    for name, array in build_feeds(model, read_rows(model, table())).items():
        type = "string" if array.dtype == object else str(array.dtype)
        values = [str(v) if type == "int64" else v for v in array.ravel().tolist()]
        missing = [None if isinstance(v, float) and np.isnan(v) else v for v in values]
        described[name] = {"type": type, "data": missing, "dims": list(array.shape)}
    return described


def compare(model: Any, found: Any) -> float:
    """Return the largest difference of a probability, or of a number over ten standard deviations of the label."""
    if model.labels.task == "regression":
        difference = np.abs(found[:, 0] - model.predict(table())).max()
        return float(difference / (10 * model.labels.scale[0]))
    return float(np.abs(found - model.predict_proba(table())).max())


def run_oldest(folder: Path) -> Found:
    python = folder / "oldest" / "bin" / "python"
    if not python.exists():
        venv.create(folder / "oldest", with_pip=True)
        run([str(python), "-m", "pip", "install", "-q", OLDEST, "numpy<2"])
    (folder / "cases.py").write_text(IN_PYTHON)
    return read([str(python), "-W", "ignore", str(folder / "cases.py"), str(folder / "cases.json")])


def run_node(folder: Path) -> Found:
    if not (folder / "node_modules" / "onnxruntime-web").exists():
        (folder / "package.json").write_text('{"private": true, "type": "module"}')
        run(["npm", "install", "--no-audit", "--no-fund", "--silent", WEB], folder)
    (folder / "cases.mjs").write_text(IN_JAVASCRIPT)
    (folder / "node.mjs").write_text(IN_NODE)
    return read(["node", str(folder / "node.mjs"), str(folder / "cases.json")])


def run_chromium(folder: Path) -> Found:
    from playwright.sync_api import sync_playwright

    (folder / "index.html").write_text(PAGE)
    handler: Callable[..., Any] = functools.partial(Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server, sync_playwright() as playwright:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        path = os.environ.get("CRECHE_CHROMIUM") or shutil.which("chromium")
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        page = browser.new_page()
        page.goto(f"http://127.0.0.1:{server.server_port}/index.html")
        page.wait_for_function("window.found !== undefined")
        found: Found = page.evaluate("window.found")
        browser.close()
        server.shutdown()
    return found


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        """Say nothing of requests."""


def run(command: list[str], folder: Path | None = None) -> None:
    subprocess.run(command, cwd=folder, check=True)


def read(command: list[str]) -> Found:
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    found: Found = json.loads(done.stdout)
    return found


if __name__ == "__main__":
    sys.exit(main())
