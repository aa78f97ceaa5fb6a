"""The files of the page, and the uploads of a session."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, JSONResponse, RedirectResponse, Response

from creche.errors import FileError
from creche.studio.failures import write_failure
from creche.studio.protocol.views import FailureCode
from creche.studio.server.access import refusal_page
from creche.studio.server.sessions import Sessions, TooManySessionsError
from creche.studio.uploads import TooLargeError

__all__ = ["begin_session", "report_health", "send_page", "take_upload"]


async def report_health(request: Request) -> Response:
    """Say that the server is up."""
    return JSONResponse({"status": "ok"}, headers={"Cache-Control": "no-store"})


async def begin_session(request: Request) -> Response:
    """Send the browser to the address of a new session."""
    address = request.app.state.sessions.new_address()
    return RedirectResponse(f"/s/{address}/", status_code=303, headers={"Cache-Control": "no-store"})


async def send_page(request: Request) -> Response:
    """Send the page of a session."""
    if not Sessions.is_address(request.path_params["address"]):
        return refusal_page("There is no such page; the studio begins at /.", 404)
    folder: Path = request.app.state.page
    return FileResponse(folder / "index.html", headers={"Cache-Control": "no-cache"})


async def take_upload(request: Request) -> Response:
    """Write the body of a request to a file of the session, as it comes; its name is the answer."""
    sessions: Sessions = request.app.state.sessions
    address, name = request.path_params["address"], request.query_params.get("name", "table")
    try:
        if not sessions.is_address(address):
            return await _refuse(request, "bad_request", "There is no such session.", 404)
        upload, size = sessions.new_address(), 0
        try:
            uploads = (await sessions.open(address)).uploads
            uploads.begin(upload, name)
            async for part in request.stream():
                uploads.add(upload, size, part)
                size += len(part)
        except TooLargeError as error:
            return await _refuse(request, "too_large", write_failure(str(error)), 413)
        except TooManySessionsError as error:
            return await _refuse(request, "busy", str(error), 503)
        except FileError as error:
            return await _refuse(request, "disk", write_failure(str(error)), 507)
        return JSONResponse({"upload": upload})
    except ClientDisconnect:
        return Response(status_code=400)


async def _refuse(request: Request, code: FailureCode, text: str, status: int) -> Response:
    """Return an answer once the whole body was read and dropped: a browser that still sends would not read it."""
    with suppress(RuntimeError):  # it was read to its end
        while (await request.receive()).get("more_body", False):
            pass
    return JSONResponse({"code": code, "text": text}, status)
