"""``creche studio``: a live page in which a network learns."""

from __future__ import annotations

from typing import Any

from creche.cli.files import OptionalTableArgument
from creche.cli.options import READING, THREADS, Option, create_read_options, option_of, parse_arguments, with_options
from creche.cli.progress import show_activity

__all__ = ["studio"]

SERVER = "The page"
SERVER_OPTIONS = (
    Option("browser", bool, SERVER, "Open a browser.", "yes", typed="--browser/--no-browser"),
    Option("host", str, SERVER, "Address to listen on; with another than 127.0.0.1, other machines reach the page."),
    Option("port", int, SERVER, "Port to listen on.", "8450, or a free one"),
)
SESSION_OPTIONS = (
    option_of("label"),
    Option("max_upload", int, SERVER, "Greatest size of a file that is opened in the page, in MiB.", "64"),
    THREADS,
)


@with_options(*SERVER_OPTIONS, *SESSION_OPTIONS, *READING)
def studio(table: OptionalTableArgument = None, **given: Any) -> None:
    """Open a live page in which a network learns from a table.

    Shape the network, watch it train at full speed, look inside, and keep the model. TABLE is 'penguins-four' unless
    another is named; it can also be opened in the page. For example:

    creche studio

    creche studio flowers.csv --label kind

    The page is served on this machine alone until Ctrl-C. On a machine without a browser, 'creche studio --no-browser'
    prints the link, which an SSH tunnel to its port brings to another. With the environment variable
    CRECHE_STUDIO_TOKEN, and a --port, an open page finds the studio after it was started again.
    """
    server = parse_arguments(SERVER_OPTIONS, given)
    arguments = parse_arguments(SESSION_OPTIONS, given)
    from creche.studio.open import START_TABLE, SessionMaker, serve_studio

    with show_activity("reading the table"):
        make = SessionMaker(table or START_TABLE, **arguments, read_options=create_read_options(given) or None)
    serve_studio(make, **server)
