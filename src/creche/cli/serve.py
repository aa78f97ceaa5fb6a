"""``creche serve``: models that answer over HTTP."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from creche._system.output_files import Input
from creche.cli.messages import print_message
from creche.cli.options import PREDICTING_DEVICE, THREADS, Option, parse_arguments, with_options
from creche.errors import PlanError

__all__ = ["serve"]

ModelArguments = Annotated[list[Path], typer.Argument(show_default=False), Input("model")]

SERVER, LIMITS = "The server", "Limits"
SERVER_OPTIONS = (
    Option("host", str, SERVER, "Address to listen on.", "127.0.0.1, this machine alone"),
    Option("port", int, SERVER, "Port to listen on; 0 for a free one.", "8080"),
    Option(
        "token_file", Path, SERVER, "File with the token that requests must carry.", "CRECHE_TOKEN, if it is set",
        file=Input("token file"),
    ),
    Option("without_token", bool, SERVER, "Let all who reach the address ask without a token."),
    Option("workers", int, SERVER, "Processes that answer on the port, each on a core of its own.", "1"),
    Option("watch", bool, SERVER, "Load a model again when its file was replaced."),
    Option("drain", float, SERVER, "Seconds in which requests are still answered after SIGTERM.", "0"),
)  # fmt: skip
LIMIT_OPTIONS = (
    Option("max_rows", int, LIMITS, "Rows of a request, at most.", "10,000"),
    Option("max_bytes", int, LIMITS, "Bytes of a request, at most, in MiB.", "16"),
    Option("max_connections", int, LIMITS, "Connections at a time, at most.", "1,000"),
    Option("timeout", float, LIMITS, "Seconds for an answer.", "60"),
)
MODEL_OPTIONS = (THREADS, PREDICTING_DEVICE)
MEBIBYTE = 2**20
MOST_WORKERS = 256
MOST_MEBIBYTES = 2**20
LONGEST_DRAIN = 86_400  # seconds


@with_options(*SERVER_OPTIONS, *LIMIT_OPTIONS, *MODEL_OPTIONS)
def serve(models: ModelArguments, **given: Any) -> None:
    """Answer requests for predictions over HTTP until Ctrl-C.

    MODELS are files written by 'creche fit -o' or 'creche train -o'; each answers under the name of its file. Rows and
    predictions are JSON, and /openapi.json describes them. For example:

    creche serve penguins.creche

    curl localhost:8080/predict --json '{"rows": [{"island": "Biscoe", …}]}'

    CRECHE_TOKEN=… creche serve penguins.creche houses.creche --host 0.0.0.0

    Only this machine reaches the server unless --host is another address, which needs a token; requests then carry the
    header 'Authorization: Bearer TOKEN'. SIGHUP loads the models again, and SIGTERM ends the server once all requests
    are answered.
    """
    from creche.serving.open import check_libraries, serve_models

    check_libraries()
    from creche.serving.bodies import Limits
    from creche.serving.run import ServerOptions, read_token

    server, limits = parse_arguments(SERVER_OPTIONS, given), parse_arguments(LIMIT_OPTIONS, given)
    _check_above_0(limits)
    if "max_bytes" in limits:
        limits["max_bytes"] *= MEBIBYTE
    if "timeout" in limits:
        limits["answer_seconds"] = limits.pop("timeout")
    token = "" if server.get("without_token") else read_token(server.get("token_file"))
    known = {name: server[name] for name in ("host", "port") if name in server}
    options = ServerOptions(
        **known, token=token, is_open=server.get("without_token", False), limits=Limits(**limits),
        drain_seconds=_check_drain(server.get("drain", 0.0)), watches=server.get("watch", False),
    )  # fmt: skip
    own = parse_arguments(MODEL_OPTIONS, given)
    workers = _check_workers(server.get("workers", 1))
    log = print_message
    serve_models(
        models, options, workers=workers, threads=own.get("threads", 1), device=own.get("predicting_device"), log=log
    )


def _check_above_0(limits: dict[str, Any]) -> None:
    for name, value in limits.items():
        if not 0 < value < float("inf"):
            raise PlanError(f"{name}: got {value}; needs a number above 0", argument=name)
        if name == "max_bytes" and value > MOST_MEBIBYTES:
            raise PlanError(f"{name}: got {value}; needs at most {MOST_MEBIBYTES:,} MiB", argument=name)


def _check_workers(workers: int) -> int:
    if not 1 <= workers <= MOST_WORKERS:
        raise PlanError(f"workers: got {workers}; needs a number from 1 to {MOST_WORKERS}", argument="workers")
    return workers


def _check_drain(seconds: float) -> float:
    if not 0 <= seconds <= LONGEST_DRAIN:
        needed = f"a number of seconds from 0 to {LONGEST_DRAIN:,}"
        raise PlanError(f"drain: got {seconds:g}; needs {needed}", argument="drain")
    return seconds
