"""The web application: what is answered under each path."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from typing import Any, TypeVar

import orjson
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from creche.errors import CrecheError, TableError, nearest
from creche.serving.bodies import JSON, Limits, media_type_of, parse_json, receive_body
from creche.serving.cells import CheckedRows
from creche.serving.gate import Access, Gate, ServerState
from creche.serving.metrics import Metrics
from creche.serving.openapi import describe_server
from creche.serving.predictions import Predictions, predict_rows
from creche.serving.problems import CellError, ProblemError, problem_response
from creche.serving.served_model import Models, ServedModel

__all__ = ["Serving", "create_app"]

T = TypeVar("T")

INLINE_BYTES = 16 * 1024
"""Of a body so small that handing it to another thread takes longer than answering it."""
THREADS = 4
OPTIONS = ("rows", "disagreement")


class Serving:
    """What the answers share: the models, the limits and the counters.

    Parameters
    ----------
    models : Models
    limits : Limits
    has_token : bool
        Whether requests need a token.

    """

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
                raise ProblemError(404, f"there are several models: use /models/NAME/predict with {', '.join(models)}")
            return next(iter(models.values()))
        if name not in models:
            raise ProblemError(404, f"model {name!r}: there is no such model; {nearest(name, models)}")
        return models[name]

    async def run(self, size: int, work: Callable[[], T]) -> T:
        """Return what some work returns; with a large body it is done on another thread, within the limit of time.

        Raises
        ------
        ProblemError
            If it takes too long. The thread goes on until it is done.

        """
        if size <= INLINE_BYTES:
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
            Route("/predict", predict, methods=["POST"]),
            Route("/models/{name}/predict", predict, methods=["POST"]),
            Route("/models/{name}", show_model),
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


async def predict(request: Request) -> Response:
    """Predict the rows of a request."""
    serving: Serving = request.app.state.serving
    served = serving.find_model(request)
    media_type = media_type_of(request)
    if media_type != JSON:
        got = f"got {media_type!r}" if media_type else "is missing"
        raise ProblemError(415, f"Content-Type: {got}; send {JSON}", headers={"Accept-Post": JSON}, is_early=True)
    body = await receive_body(request, serving.limits)
    try:
        data = await serving.run(len(body), lambda: _answer(serving, served, body))
    except ProblemError as problem:
        if problem.errors:
            serving.metrics.count_refused(served.name)
        raise
    return _json(data)


def _answer(serving: Serving, served: ServedModel, body: bytes) -> dict[str, Any]:
    """Return the answer to a body."""
    asked = parse_json(body, serving.limits)
    if type(asked) is not dict or "rows" not in asked:
        raise ProblemError(422, 'the body must be an object with rows: {"rows": [{"COLUMN": VALUE, …}, …]}')
    for name in asked:
        if name not in OPTIONS:
            raise ProblemError(422, f"{name!r}: there is no such part of a request; {nearest(name, OPTIONS)}")
    rows, with_disagreement = asked["rows"], asked.get("disagreement", False)
    if type(rows) is not list or not rows:
        raise ProblemError(422, "rows: needs an array of at least one object")
    if len(rows) > serving.limits.max_rows:
        detail = f"rows: got {len(rows):,}; at most {serving.limits.max_rows:,} are answered at a time"
        raise ProblemError(413, detail)
    if type(with_disagreement) is not bool:
        raise ProblemError(422, "disagreement: needs true or false")
    checked = served.checker.check(rows)
    predictions = predict_checked(served, checked, with_disagreement=with_disagreement)
    serving.metrics.count_rows(served.name, checked.count)
    answer: dict[str, Any] = {"model": served.name, "predictions": predictions.to_list()}
    if checked.ignored:
        answer["ignored"] = checked.ignored
    return answer


def predict_checked(served: ServedModel, rows: CheckedRows, *, with_disagreement: bool = False) -> Predictions:
    """Return the predictions for rows.

    Raises
    ------
    ProblemError
        If a value is not one of its column, or the network's outputs are not finite.

    """
    try:
        return predict_rows(served.model, rows.data, with_disagreement=with_disagreement)
    except TableError as error:
        raise served.checker.explain(rows.data, error) from error
    except CrecheError as error:
        raise ProblemError.of_cells([CellError(None, None, str(error))]) from error


async def show_model(request: Request) -> Response:
    """Tell what a model reads and predicts."""
    serving: Serving = request.app.state.serving
    return _json(serving.find_model(request).to_dict())


async def list_models(request: Request) -> Response:
    """Tell which models there are."""
    serving: Serving = request.app.state.serving
    return _json({"models": [served.to_dict() for served in serving.models.by_name.values()]})


async def show_openapi(request: Request) -> Response:
    """Describe the server in OpenAPI."""
    serving: Serving = request.app.state.serving
    return _json(describe_server(serving.models.by_name, serving.limits, serving.has_token))


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
    text = serving.metrics.write(serving.models, serving.state.is_ready)
    return Response(text, media_type="text/plain; version=0.0.4; charset=utf-8", headers=NOT_STORED)


NOT_STORED = {"Cache-Control": "no-store"}


def _json(data: Any) -> Response:
    return Response(orjson.dumps(data), media_type=JSON, headers=NOT_STORED)


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
    return problem_response(ProblemError(error.status_code, detail, headers=error.headers or {}))


async def _answer_gone_client(request: Request, error: Exception) -> Response:
    """Return an answer that is not sent, as the client has gone."""
    return Response(status_code=400)


async def _answer_failure(request: Request, error: Exception) -> Response:
    return problem_response(ProblemError(500, "the server failed to answer; its log tells why"))
