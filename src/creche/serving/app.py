"""The web application: what is answered under each path."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from importlib.resources import files
from typing import Any, TypeAlias, TypeVar

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from creche._phrases import shorten_text
from creche.errors import nearest
from creche.serving.answers import Wanted, answer_rows, read_request
from creche.serving.bodies import ARROW, CSV, JSON, Limits, media_type_of, parse_json, receive_body
from creche.serving.cells import CheckedRows
from creche.serving.gate import Access, Gate, ServerState
from creche.serving.inference_protocol import (
    VERSION,
    answer_inference,
    describe_protocol_server,
    describe_tensors,
)
from creche.serving.metrics import Metrics
from creche.serving.openapi import describe_server
from creche.serving.problems import ProblemError, encode_json, problem_response
from creche.serving.scoring_protocol import read_scoring, score_rows
from creche.serving.served_model import Models, ServedModel

__all__ = ["Serving", "create_app"]

T = TypeVar("T")
ReadRequest: TypeAlias = Callable[[ServedModel, Any, Limits], tuple[CheckedRows, Wanted]]
WriteAnswer: TypeAlias = Callable[[ServedModel, CheckedRows, Wanted, Metrics], dict[str, Any]]

INLINE_BYTES = 16 * 1024
"""Of a body so small that handing it to another thread takes longer than answering it."""
THREADS = 4
TABLE_TYPES = (CSV, ARROW)
FORM_TYPES = {"index.html": "text/html", "page.css": "text/css", "page.js": "text/javascript"}
# The form may load only what this server sends, runs no code from a text, and cannot be shown inside another page.
FORM_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-cache",
}
VERSIONS = ("", "/versions/{version}")
BODY_TYPES = (JSON, *TABLE_TYPES)


class Serving:
    """What the answers share: the models, the limits and the counters.

    Parameters
    ----------
    models : Models
    limits : Limits
    has_token : bool
        Whether requests need a token.

    Attributes
    ----------
    gather_metrics : callable, optional
        Returns the numbers of all processes that serve together; None if there is only this one.

    """

    gather_metrics: Callable[[], Awaitable[Metrics]] | None = None

    def __init__(self, models: Models, limits: Limits, *, has_token: bool = False) -> None:
        self.models, self.limits, self.has_token = models, limits, has_token
        self.metrics, self.state = Metrics(), ServerState()
        self._threads = ThreadPoolExecutor(THREADS, "creche-answers")

    def find_model(self, request: Request) -> ServedModel:
        """Return the model that a request names, or the only one.

        Raises
        ------
        ProblemError
            If there is none of that name, or several and none is named.

        """
        name = request.path_params.get("name")
        models = self.models.by_name
        if name is None:
            if len(models) > 1:
                detail = f"there are several models: use /models/NAME/predict with {', '.join(models)}"
                raise ProblemError(404, detail, is_early=True)
            return next(iter(models.values()))
        if name not in models:
            raise ProblemError(404, f"model {name!r}: there is no such model; {nearest(name, models)}", is_early=True)
        return models[name]

    async def run(self, work: Callable[[], T], *, is_short: bool) -> T:
        """Return what some work returns; unless it is short, it is done on another thread, within the limit of time.

        Raises
        ------
        ProblemError
            If it takes too long. The thread goes on until it is done.

        """
        if is_short:
            return work()
        seconds = self.limits.answer_seconds
        try:
            return await asyncio.wait_for(asyncio.get_running_loop().run_in_executor(self._threads, work), seconds)
        except TimeoutError:
            detail = f"the answer took longer than {seconds:g} seconds; send fewer rows at a time"
            raise ProblemError(503, detail, headers={"Retry-After": "1"}) from None


def create_app(serving: Serving, access: Access) -> ASGIApp:
    """Create the application.

    Parameters
    ----------
    serving : Serving
    access : Access

    """
    app = Starlette(
        routes=[
            Route("/", send_form_file),
            Route("/page.css", send_form_file),
            Route("/page.js", send_form_file),
            Route("/predict", predict, methods=["POST"]),
            Route("/models/{name}/predict", predict, methods=["POST"]),
            Route("/models/{name}", show_model),
            Route("/invocations", score, methods=["POST"]),
            Route("/models/{name}/invocations", score, methods=["POST"]),
            Route("/ping", report_ping),
            Route("/v2", show_protocol_server),
            Route("/v2/health/live", report_live),
            Route("/v2/health/ready", report_protocol_readiness),
            *(Route(f"/v2/models/{{name}}{version}", show_tensors) for version in VERSIONS),
            *(Route(f"/v2/models/{{name}}{version}/ready", report_model_readiness) for version in VERSIONS),
            *(Route(f"/v2/models/{{name}}{version}/infer", infer, methods=["POST"]) for version in VERSIONS),
            Route("/models", list_models),
            Route("/openapi.json", show_openapi),
            Route("/health", report_health),
            Route("/ready", report_readiness),
            Route("/metrics", show_metrics),
        ],
        exception_handlers={
            ProblemError: _answer_problem,
            HTTPException: _answer_http_error,
            ClientDisconnect: _answer_gone_client,
            Exception: _answer_failure,
        },
    )
    app.router.redirect_slashes = False
    app.state.serving = serving
    return Gate(app, access=access, metrics=serving.metrics, state=serving.state)


async def send_form_file(request: Request) -> Response:
    """Send a file of the form, which holds nothing of the models."""
    name = request.url.path.removeprefix("/") or "index.html"
    content = files("creche").joinpath("serving", "form", name).read_bytes()
    return Response(content, headers=FORM_HEADERS, media_type=FORM_TYPES[name])


async def predict(request: Request) -> Response:
    """Predict the rows of a request."""
    return await _answer_rows(request, read_request, answer_rows)


async def score(request: Request) -> Response:
    """Predict the rows of a request, by the protocol of MLflow's scoring server."""
    return await _answer_rows(request, read_scoring, score_rows)


async def _answer_rows(request: Request, read: ReadRequest, write: WriteAnswer) -> Response:
    """Answer a request with rows; its JSON is read, and that of the answer made, by the functions of a protocol."""
    serving: Serving = request.app.state.serving
    served = serving.find_model(request)
    media_type = media_type_of(request)
    if media_type not in BODY_TYPES:
        got = f"got {shorten_text(media_type, 60)!r}" if media_type else "is missing"
        detail = f"Content-Type: {got}; send {', '.join(BODY_TYPES)}"
        raise ProblemError(415, detail, headers={"Accept-Post": ", ".join(BODY_TYPES)}, is_early=True)
    body = await receive_body(request, serving.limits)
    wanted_type = request.headers.get("accept", "").strip().lower()
    try:
        is_short = len(body) <= INLINE_BYTES and b"explain" not in body
        if media_type == JSON and wanted_type not in TABLE_TYPES:
            data = await serving.run(lambda: _answer(serving, served, body, read, write), is_short=is_short)
        else:
            answer = await serving.run(
                lambda: _answer_table(serving, served, media_type, body, wanted_type, read, write), is_short=False
            )
            if isinstance(answer, bytes):
                return Response(answer, media_type=wanted_type, headers=NOT_STORED)
            data = answer
    except ProblemError as problem:
        if problem.errors:
            serving.metrics.count_refused(served.name)
        raise
    return _json(data)


def _answer(
    serving: Serving, served: ServedModel, body: bytes, read: ReadRequest, write: WriteAnswer
) -> dict[str, Any]:
    """Return the answer to a body."""
    rows, wanted = read(served, parse_json(body, serving.limits), serving.limits)
    return write(served, rows, wanted, serving.metrics)


def _answer_table(
    serving: Serving,
    served: ServedModel,
    media_type: str,
    body: bytes,
    wanted_type: str,
    read: ReadRequest,
    write: WriteAnswer,
) -> dict[str, Any] | bytes:
    """Return the answer to a request that is a table, or whose answer is to be one."""
    from creche.serving.tables import predict_as_table, read_rows

    notes: list[str] = []
    if media_type == JSON:
        rows, wanted = read(served, parse_json(body, serving.limits), serving.limits)
    else:
        found = read_rows(served, media_type, body, serving.limits)
        rows, notes, wanted = found.rows, found.notes, Wanted()
    if wanted_type in TABLE_TYPES:
        serving.metrics.count_rows(served.name, rows.count)
        return predict_as_table(served, rows, wanted_type)
    answer = write(served, rows, wanted, serving.metrics)
    return answer | {"notes": notes} if notes else answer


async def show_model(request: Request) -> Response:
    """Tell what a model reads and predicts."""
    serving: Serving = request.app.state.serving
    return _json(serving.find_model(request).to_dict())


async def list_models(request: Request) -> Response:
    """Tell which models there are."""
    serving: Serving = request.app.state.serving
    return _json({"models": [served.to_dict() for served in serving.models.by_name.values()]})


async def show_protocol_server(request: Request) -> Response:
    """Tell the metadata of the server, by the Open Inference Protocol."""
    return _json(describe_protocol_server())


async def report_live(request: Request) -> Response:
    """Say that the server runs, by the Open Inference Protocol."""
    return _json({"live": True})


async def report_protocol_readiness(request: Request) -> Response:
    """Say whether requests are welcome, by the Open Inference Protocol."""
    is_ready = request.app.state.serving.state.is_ready
    return _json({"ready": is_ready}, 200 if is_ready else 503)


async def show_tensors(request: Request) -> Response:
    """Tell what a model reads and predicts, by the Open Inference Protocol."""
    try:
        return _json(describe_tensors(_find_version(request)))
    except ProblemError as problem:
        return _protocol_error(problem)


async def report_model_readiness(request: Request) -> Response:
    """Say that a model answers, by the Open Inference Protocol."""
    try:
        return _json({"name": _find_version(request).name, "ready": True})
    except ProblemError as problem:
        return _protocol_error(problem)


async def infer(request: Request) -> Response:
    """Predict tensors, by the Open Inference Protocol."""
    serving: Serving = request.app.state.serving
    try:
        served = _find_version(request)
        if "inference-header-content-length" in request.headers:
            raise ProblemError(415, "tensors in binary are not read; send their data as JSON", is_early=True)
        body = await receive_body(request, serving.limits)

        def answer() -> dict[str, Any]:
            return answer_inference(served, parse_json(body, serving.limits), serving.limits, serving.metrics)

        return _json(await serving.run(answer, is_short=len(body) <= INLINE_BYTES))
    except ProblemError as problem:
        return _protocol_error(problem)


def _find_version(request: Request) -> ServedModel:
    version = request.path_params.get("version", VERSION)
    served: ServedModel = request.app.state.serving.find_model(request)
    if version != VERSION:
        raise ProblemError(404, f"version {shorten_text(version, 60)!r} of {served.name}: there is only {VERSION!r}")
    return served


def _protocol_error(problem: ProblemError) -> Response:
    """Return an error as the Open Inference Protocol has it, with the members of other problems besides."""
    return problem_response(problem, error=problem.detail)


async def show_openapi(request: Request) -> Response:
    """Describe the server in OpenAPI."""
    serving: Serving = request.app.state.serving
    return _json(describe_server(serving.models.by_name, serving.limits, serving.has_token))


async def report_ping(request: Request) -> Response:
    """Say that the server runs, as MLflow and SageMaker ask."""
    return Response(b"\n", headers=NOT_STORED, media_type=JSON)


async def report_health(request: Request) -> Response:
    """Say that the server runs."""
    return _json({"status": "ok"})


async def report_readiness(request: Request) -> Response:
    """Say whether requests are welcome."""
    serving: Serving = request.app.state.serving
    if not serving.state.is_ready:
        raise ProblemError(503, "the server is ending; send requests elsewhere")
    return _json({"status": "ready"})


async def show_metrics(request: Request) -> Response:
    """Tell what was counted."""
    serving: Serving = request.app.state.serving
    gather = serving.gather_metrics
    metrics = serving.metrics if gather is None else await gather()
    text = metrics.write(serving.models, serving.state.is_ready)
    return Response(text, media_type="text/plain; version=0.0.4; charset=utf-8", headers=NOT_STORED)


NOT_STORED = {"Cache-Control": "no-store"}


def _json(data: Any, status: int = 200) -> Response:
    return Response(encode_json(data), status, NOT_STORED, media_type=JSON)


async def _answer_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, ProblemError)
    return problem_response(error)


async def _answer_http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    detail = error.detail
    if error.status_code == HTTPStatus.NOT_FOUND:
        detail = f"{request.url.path}: there is nothing here; /openapi.json lists what there is"
    elif error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        allowed = (error.headers or {}).get("Allow", "another")
        detail = f"{request.url.path}: {request.method} is not answered here; use {allowed}"
    return problem_response(ProblemError(error.status_code, detail, headers=error.headers or {}, is_early=True))


async def _answer_gone_client(request: Request, error: Exception) -> Response:
    """Return an answer that is not sent, as the client has gone."""
    return Response(status_code=400)


async def _answer_failure(request: Request, error: Exception) -> Response:
    return problem_response(ProblemError(500, "the server failed to answer; its log tells why"))
