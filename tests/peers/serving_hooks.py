"""What schemathesis sends as tables, which no schema describes: rows of what the two models read."""

from io import BytesIO

import polars as pl
import schemathesis
from hypothesis import strategies as st

ROWS = pl.DataFrame(
    {
        "island": ["Biscoe", "Dream", None],
        "bill_length_mm": [39.1, None, 50.2],
        "bill_depth_mm": [18.7, 17.4, 15.0],
        "flipper_length_mm": [181, 186, 220],
        "body_mass_g": [3750, 3800, 5400],
        "sex": ["male", "female", None],
        "x0": [1.5, 2.5, 3.5],
        "x1": [0.0, 1.0, -1.0],
    }
)


def write_stream(rows: pl.DataFrame) -> bytes:
    written = BytesIO()
    rows.write_ipc_stream(written)
    return written.getvalue()


TABLES = st.integers(1, len(ROWS)).map(ROWS.head)
schemathesis.openapi.media_type("text/csv", TABLES.map(lambda rows: rows.write_csv().encode()))
schemathesis.openapi.media_type("application/vnd.apache.arrow.stream", TABLES.map(write_stream))
