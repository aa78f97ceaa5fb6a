"""Prediction: rows per second of a trained network, compared with the same network in ONNX Runtime.

Each contender predicts in a new process, from a float32 array to an array of probabilities, which must be the same for
all. The claim is about the whole call of `Model.predict_proba`, which also checks that all numbers are finite and
encodes them. Single observations of a table with numbers and categories, as an application has them, are timed besides,
and compared with a pipeline of scikit-learn.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from _compare import HERE, Spread
from _report import Options, Report, parse_options

NETWORKS = {"penguin": (4, [10, 10], 3), "wide": (64, [256, 256], 10)}
ROWS = {"penguin": (1, 32, 1_024, 1_000_000), "wide": (1, 32, 1_024, 100_000)}
THREADS = (1, 2)
CRECHE, ENGINE, PEER = "Creche, Model.predict_proba", "Creche, engine only", "ONNX Runtime"
CONTENDERS = {CRECHE: "creche_model", ENGINE: "creche_engine", PEER: "onnx_runtime"}
AT_LEAST = 2.0
SECONDS = 0.2  # for which the same rows are predicted again and again
NUMBERS, CATEGORIES = 8, 6  # the columns of the table whose observations are predicted one at a time
WARM_UP_CALLS = 20
OBSERVATION_BELOW = 0.5  # ms
DICT_BELOW = 0.025  # ms, of an observation of the penguins
DICT, NETWORK_ALONE = "dict", "the network alone, of encoded inputs"
PIPELINE = "scikit-learn pipeline, DataFrame of one row"


def main() -> int:
    options = parse_options(__doc__, rounds=7)
    report = Report("Prediction: the penguin and the wide network, compared with ONNX Runtime", options)
    claims: list[tuple[str, Spread]] = []
    for network in NETWORKS:
        for threads in THREADS:
            found = measure_all(network, threads, options, report)
            report.section(f"The {network} network, {threads} thread{'s' * (threads > 1)}: million rows per second")
            sizes = [str(rows) for rows in ROWS[network]]
            lines = [
                [name, *(Spread.of(rate[size] for rate in rates).show(1e-6) for size in sizes)]
                for name, rates in found.items()
            ]
            report.table(["contender", *(f"{int(size):,} {'row' if size == '1' else 'rows'}" for size in sizes)], lines)
            if threads == 1:
                single = Spread.of(1e6 / rates["1"] for rates in found[CRECHE])
                report.say("", f"{CRECHE} takes {single.show()} µs for one row.")
            if PEER in found:
                pairs = zip(found[CRECHE], found[PEER], strict=True)
                ratio = Spread.of(ours[sizes[-1]] / theirs[sizes[-1]] for ours, theirs in pairs)
                claims.append((f"{network}, {threads} thread{'s' * (threads > 1)}, {int(sizes[-1]):,} rows", ratio))
    observations = {table: measure_observations(table, options, report) for table in TABLES}
    report.section(f"Claims ({CRECHE} compared with {PEER})")
    for text, ratio in claims:
        report.claim_ratio(text, ratio, AT_LEAST)
    for table, found in observations.items():
        for name in [name for name in found if name not in (PIPELINE, NETWORK_ALONE)]:
            below = DICT_BELOW if (table, name) == (PENGUINS, DICT) else OBSERVATION_BELOW
            report.claim_below(f"one observation of {table}, {name}", Spread.of(found[name]), below, " ms")
            if PIPELINE in found:
                ratio = Spread.of(slow / fast for slow, fast in zip(found[PIPELINE], found[name], strict=True))
                report.claim_ratio(f"a pipeline takes longer for {table} than Creche, {name}, by", ratio, AT_LEAST)
    return report.finish()


def measure_observations(table: str, options: Options, report: Report) -> dict[str, list[float]]:
    """Print and return the milliseconds of a prediction of one observation, turn by turn, by the form it has."""
    found: dict[str, list[float]] = {}
    for _ in range(options.rounds):
        for name, milliseconds in run_child(["observation", table, str(0.01 if options.quick else SECONDS)]).items():
            found.setdefault(name, []).append(milliseconds)
    report.section(f"One observation of {table}: ms")
    own = found[DICT]
    report.table(
        ["observation", "ms", f"times {DICT}"],
        [
            [name, Spread.of(times).show(), Spread.of(a / b for a, b in zip(times, own, strict=True)).show()]
            for name, times in found.items()
        ],
    )
    return found


def measure_all(network: str, threads: int, options: Options, report: Report) -> dict[str, list[dict[str, float]]]:
    """Return the rows per second of each contender, turn by turn, by number of rows."""
    found: dict[str, list[dict[str, float]]] = {}
    sums: dict[str, list[float]] = {}
    for turn in range(options.rounds):
        for name, job in list(CONTENDERS.items())[:: 1 if turn % 2 == 0 else -1]:
            answer = ask(job, network, threads, options.quick)
            if "missing" in answer:
                if turn == 0:
                    report.say(f"{name}: left out, {answer['missing']} is not installed.")
                continue
            found.setdefault(name, []).append(answer["rates"])
            sums[name] = answer["sums"]
    if not np.allclose(list(sums.values()), sums[CRECHE], rtol=1e-5):
        raise RuntimeError(f"the contenders' predictions differ: {sums}")
    return {name: found[name] for name in CONTENDERS if name in found}


def ask(job: str, network: str, threads: int, quick: bool) -> dict[str, Any]:
    return run_child([job, network, str(threads), str(0.01 if quick else SECONDS)])


def run_child(arguments: list[str]) -> dict[str, Any]:
    command = [sys.executable, __file__, "--measure", *arguments]
    child = subprocess.run(command, cwd=HERE, env=dict(os.environ), capture_output=True, text=True)
    if child.returncode:
        raise RuntimeError(f"{arguments[0]} failed:\n{child.stderr[-2000:]}")
    return dict(json.loads(child.stdout.splitlines()[-1]))


def make_wide_table() -> tuple[Any, Any]:
    """Return a table large enough for bins, and its labels."""
    import pandas as pd

    random = np.random.default_rng(0)
    columns: dict[str, Any] = {f"number{i}": random.standard_normal(2_000) for i in range(NUMBERS)}
    columns |= {f"category{i}": random.choice(list("abcdefgh"), 2_000) for i in range(CATEGORIES)}
    table = pd.DataFrame(columns)
    return table, np.where(table["number0"] + table["number1"] > 0, "yes", "no")


def take_penguins() -> tuple[Any, Any]:
    import creche as cr

    table = cr.datasets.penguins().to_pandas().dropna()
    return table.drop(columns="species"), table["species"].to_numpy(dtype=object)


PENGUINS = "the penguins"
TABLES = {
    PENGUINS: take_penguins,
    f"{NUMBERS} numbers and {CATEGORIES} categories, with bins": make_wide_table,
}


def measure_observations_here(name: str, seconds: str) -> None:
    """Measure one observation of a table in each of its forms, in the child process, and print the milliseconds."""
    import creche as cr

    table, labels = TABLES[name]()
    model = cr.train(table.assign(label=labels), label="label", epochs=1, threads=1).model
    row, first = table.iloc[0], table.iloc[:1]
    cells = dict(zip(row.index, row.tolist(), strict=True))
    inputs = model.encode_rows(cells)
    forms: dict[str, Callable[[], Any]] = {
        DICT: lambda: model.predict(cells),
        "list of one dict": lambda: model.predict([cells]),
        "row of a pandas DataFrame": lambda: model.predict(row),
        "DataFrame of one row": lambda: model.predict(first),
        NETWORK_ALONE: lambda: model.predict_encoded(inputs),
    }
    try:
        pipeline = fit_pipeline(table, labels)
        forms[PIPELINE] = lambda: pipeline.predict(first)
    except ModuleNotFoundError:
        pass
    for call in forms.values():  # what is imported by the first calls is measured by start.py
        for _ in range(WARM_UP_CALLS):
            call()
    print(
        json.dumps({name: 1e3 / rate(lambda _, call=call: call(), [0], float(seconds)) for name, call in forms.items()})
    )


def fit_pipeline(table: Any, labels: Any) -> Any:
    from sklearn.compose import make_column_selector, make_column_transformer
    from sklearn.neural_network import MLPClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    encoder = make_column_transformer(
        (StandardScaler(), make_column_selector(dtype_include="number")),
        (OneHotEncoder(handle_unknown="ignore"), make_column_selector(dtype_exclude="number")),
    )
    return make_pipeline(encoder, MLPClassifier((32, 32), max_iter=20, early_stopping=True)).fit(table, labels)


def measure_here(job: str, network: str, threads: str, seconds: str) -> None:
    """Measure one contender, in the child process, and print its rates."""
    import creche as cr

    inputs, hidden, classes = NETWORKS[network]
    random = np.random.default_rng(0)
    x = random.standard_normal((max(ROWS[network]), inputs)).astype(np.float32)
    run = cr.train(
        x[:2000],
        np.arange(2000) % classes,
        hidden=hidden,
        activation="relu",
        epochs=1,
        threads=int(threads),
        standardize=False,
    )
    try:
        predict = JOBS[job](run.model, int(threads))
    except ModuleNotFoundError as error:
        print(json.dumps({"missing": error.name}))
        return
    # The sum for each class, with different weights for neighbouring rows, so that errors cannot cancel out.
    sums = (predict(x).astype(np.float64) * (1 + np.arange(len(x)).reshape(-1, 1) % 97)).sum(axis=0).tolist()
    rates = {rows: rate(predict, x[:rows], float(seconds)) for rows in ROWS[network]}
    print(json.dumps({"rates": rates, "sums": sums}))


def rate(predict: Callable[[Any], Any], x: Any, seconds: float) -> float:
    predict(x)
    begin = now = time.perf_counter()
    times = 0
    while now - begin < seconds:
        predict(x)
        times += 1
        now = time.perf_counter()
    return times * len(x) / (now - begin)


def creche_model(model: Any, threads: int) -> Callable[[Any], Any]:
    return model.predict_proba  # type: ignore[no-any-return]


def creche_engine(model: Any, threads: int) -> Callable[[Any], Any]:
    from creche.engine.native import new_predictor

    return new_predictor(model.plan, model.parameters, threads).predict  # type: ignore[no-any-return]


def onnx_runtime(model: Any, threads: int) -> Callable[[Any], Any]:
    import onnxruntime
    from onnx import TensorProto, helper, numpy_helper

    nodes, initializers, at = [], [], "x"
    for i, (w, b) in enumerate(model.weights):
        initializers += [numpy_helper.from_array(w, f"w{i}"), numpy_helper.from_array(b, f"b{i}")]
        nodes.append(helper.make_node("Gemm", [at, f"w{i}", f"b{i}"], [f"z{i}"]))
        last = i == len(model.weights) - 1
        at = "probabilities" if last else f"a{i}"
        nodes.append(helper.make_node("Softmax" if last else "Relu", [f"z{i}"], [at]))
    ends = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, [None, width])
        for name, width in (("x", model.weights[0][0].shape[0]), ("probabilities", model.weights[-1][1].shape[0]))
    ]
    graph = helper.make_graph(nodes, "network", ends[:1], ends[1:], initializers)
    opset = helper.make_opsetid("", 17)
    proto = helper.make_model(graph, opset_imports=[opset], ir_version=9)
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = threads
    settings.inter_op_num_threads = 1
    settings.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    session = onnxruntime.InferenceSession(proto.SerializeToString(), settings, providers=["CPUExecutionProvider"])
    return lambda x: session.run(None, {"x": x})[0]


JOBS = {"creche_model": creche_model, "creche_engine": creche_engine, "onnx_runtime": onnx_runtime}

if __name__ == "__main__":
    if sys.argv[1:3] == ["--measure", "observation"]:
        measure_observations_here(*sys.argv[3:])
    elif sys.argv[1:2] == ["--measure"]:
        measure_here(*sys.argv[2:])
    else:
        raise SystemExit(main())
