"""One observation is encoded with the bytes, and refused with the words, of a table of one row."""

from __future__ import annotations

import datetime as dt
import pickle
import subprocess
import sys
import warnings
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import creche as cr
from creche.table.encoders.features import FeatureEncoder
from creche.table.encoders.preprocessing import Preprocessing
from creche.table.reading.options import ReadOptions
from creche.table.reading.read import read_table
from creche.table.row_encoder import RowEncoder, may_be_row
from creche.table.schema import Schema

ROWS = 120
WORDS = ["Adelie", "Chinstrap", "naïve", "x y"]


def training_rows() -> dict[str, list[Any]]:
    random = np.random.default_rng(0)
    numbers = random.standard_normal(ROWS).round(3)
    days = [dt.datetime(2024, 1, 1) + dt.timedelta(hours=int(h)) for h in random.integers(0, 40_000, ROWS)]
    return {
        "number": numbers.tolist(),
        "gaps": [None if i % 7 == 0 else float(v) for i, v in enumerate(100 * numbers)],
        "whole": random.integers(0, 50, ROWS).tolist(),
        "constant": [5.0] * ROWS,
        "flag": [None if i == 3 else bool(v > 0) for i, v in enumerate(numbers)],
        "word": [WORDS[i % 4] for i in range(ROWS)],
        "two": ["yes, a" if v > 0 else "no, b" for v in numbers],
        "code": [None if i == 5 else 10115 + i % 3 for i in range(ROWS)],
        "many": [f"w{int(v)}" for v in random.zipf(1.3, ROWS) % 60],
        "day": [None if i == 8 else day for i, day in enumerate(days)],
    }


def fit(preprocessing: Preprocessing) -> FeatureEncoder:
    table = read_table(training_rows())
    schema = Schema.infer(table, [], {"code": "categorical", "many": "categorical"})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", cr.CrecheWarning)  # of the constant column
        return FeatureEncoder.fit(table, schema, preprocessing)


ENCODERS = {
    "standard": fit(Preprocessing()),
    "robust": fit(Preprocessing(scaling="robust", clip="smooth", binary="sign", max_categories=5, buckets=3)),
    "quantile": fit(Preprocessing(scaling="quantile", infrequent=3, buckets=1)),
    "bins": fit(Preprocessing(numeric_encoding="piecewise_linear", bins=6, bin_edges="quantile")),
    "coded": fit(Preprocessing(codes_above=2)),
    "none": fit(Preprocessing(scaling="none")),
}

ENTRIES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 60),
    st.integers(),
    st.sampled_from([10115, 10116, 2**53 + 1, 2**63, -(2**63), 10**400]),
    st.floats(),
    st.floats(width=32).map(np.float32),
    st.floats().map(np.float64),
    st.integers(-100, 100).map(np.int64),
    st.booleans().map(np.bool_),
    st.sampled_from([*WORDS, " Adelie ", "nai\u0308ve", "adelie", "yes, a", "w1", "w2", "new", "", "NA", "nan", "?"]),
    st.sampled_from(["1.5", "1,5", "-2e3", "10115", "10115.0", "true", "No", "inf", "$5", "2024-05-06", "\ud800"]),
    st.text(max_size=5),
    st.dates(dt.date(1900, 1, 1)),
    st.datetimes(dt.datetime(1900, 1, 1)),
    st.sampled_from([pd.NA, pd.NaT, pd.Timestamp("2024-05-06 07:08"), np.datetime64("NaT"), dt.timedelta(1)]),
    st.decimals(allow_nan=False, allow_infinity=False, places=2, min_value=-1000, max_value=1000),
    st.sampled_from([b"a", [], [1], {}, {"a": 1}, (1, 2), 1j, np.array([1.0]), np.array(2.0), frozenset(), object]),
)


@st.composite
def observations(draw: st.DrawFn) -> dict[Any, Any]:
    """Mostly a row of the training table, with some cells of any kind, and sometimes columns too many or too few."""
    rows = training_rows()
    number = draw(st.integers(0, ROWS - 1))
    row: dict[Any, Any] = {name: column[number] for name, column in rows.items()}
    for name in draw(st.lists(st.sampled_from([*row]), max_size=3)):
        row[name] = draw(ENTRIES)
    for name in draw(st.lists(st.sampled_from(["other", "number ", "", "1", 1, "\ud800"]), max_size=1)):
        row[name] = draw(ENTRIES)
    for name in draw(st.lists(st.sampled_from([*rows]), max_size=1)) if draw(st.integers(0, 9)) == 0 else []:
        del row[name]
    names = draw(st.permutations([*row])) if draw(st.booleans()) else [*row]
    return {name: row[name] for name in names}


def as_table(encoder: FeatureEncoder, data: Any, precision: str) -> Any:
    return encoder.transform(read_table(data, expected=encoder.expected), precision)


def check(encoder: FeatureEncoder, data: Any, precision: str) -> None:
    """Check that a row that is not left to the table has the table's bytes, and that the table refuses none of them."""
    compiled = RowEncoder(encoder, precision)
    for _ in range(2):  # the second time, from what it has kept
        found = compiled.encode(data) if may_be_row(data) else None
        if found is not None:
            expected = as_table(encoder, data, precision)
            assert (found.dtype, found.shape) == (expected.dtype, expected.shape)
            assert found.tobytes() == expected.tobytes()


@pytest.mark.filterwarnings("ignore::creche.errors.CrecheWarning")
@given(
    row=observations(), name=st.sampled_from([*ENCODERS]), precision=st.sampled_from(["float32", "float64"]),
    in_list=st.booleans(),
)  # fmt: skip
@example(
    row={**{n: c[0] for n, c in training_rows().items()}, "gaps": {}}, name="bins", precision="float32", in_list=True
)
def test_a_row_has_the_bytes_of_a_table_of_one_row(
    row: dict[Any, Any], name: str, precision: str, in_list: bool
) -> None:
    check(ENCODERS[name], [row] if in_list else row, precision)


@pytest.mark.filterwarnings("ignore::creche.errors.CrecheWarning")
@given(row=observations(), name=st.sampled_from([*ENCODERS]), as_frame=st.booleans())
def test_a_row_of_pandas_has_them_too(row: dict[Any, Any], name: str, as_frame: bool) -> None:
    try:
        columns = {key: pd.Series([cell], dtype=object) for key, cell in row.items()}
        frame = pd.DataFrame({key: c if key == "day" else c.infer_objects() for key, c in columns.items()})
    except (ValueError, OverflowError):  # a cell that pandas cannot hold
        return
    check(ENCODERS[name], frame if as_frame else frame.iloc[0], "float32")


@given(
    number=st.floats(), whole=st.one_of(st.integers(-5, 60), st.integers(-(2**63), 2**63 - 1)),
    code=st.sampled_from([10115, 10116, 7, 2**53 + 1, 2**62]), code_type=st.sampled_from([int, float]),
    as_frame=st.booleans(),
)  # fmt: skip
def test_a_row_of_numbers_alone_is_one_of_floats_and_keeps_its_bytes(
    number: float, whole: int, code: int, code_type: type, as_frame: bool
) -> None:
    table = read_table(
        {name: column for name, column in training_rows().items() if name in ("number", "whole", "code")}
    )
    encoder = FeatureEncoder.fit(table, Schema.infer(table, [], {"code": "categorical"}), Preprocessing())
    frame = pd.DataFrame({"code": [code_type(code)], "whole": [whole], "number": [number]})
    check(encoder, frame if as_frame else frame.iloc[0], "float64")


@pytest.mark.parametrize("name", ENCODERS)
def test_all_rows_of_the_training_table_take_the_fast_way(name: str) -> None:
    rows, compiled = training_rows(), RowEncoder(ENCODERS[name], "float32")
    table = as_table(ENCODERS[name], rows, "float32")
    frame = pd.DataFrame(rows).drop(columns="day").assign(day=pd.Series(rows["day"], dtype=object))
    for number in range(ROWS):
        row = {key: column[number] for key, column in rows.items()}
        for data in (row, [row], frame.iloc[number], frame.iloc[number : number + 1]):
            found = compiled.encode(data)
            assert found is not None
            assert found.tobytes() == table[number].tobytes()


@pytest.mark.filterwarnings("ignore:column 'a' is read as numbers:creche.errors.CrecheWarning")
def test_numbers_for_missing_values_and_units_are_those_of_the_training_file(tmp_path: Any) -> None:
    path = tmp_path / "t.csv"
    rows = [f"{i / 7:.2f} kg;{-999 if i % 5 == 0 else i},5;{'u' if i % 3 else 'v'}" for i in range(60)]
    path.write_text("\n".join(["a;b;c", *rows]))
    table = read_table(path, ReadOptions(missing_values=("-999,5",)))
    encoder = FeatureEncoder.fit(table, Schema.infer(table, [], {}), Preprocessing())
    for a in ("1.5 kg", "1.5", 1.5, "1.5 g", None):
        for b in (-999, -999.5, "-999,5", "3,5", "3.5", True):
            check(encoder, {"a": a, "b": b, "c": "u"}, "float64")
    assert RowEncoder(encoder, "float64").encode({"a": 1.5, "b": -999.5, "c": "u"}) is not None


def test_a_cell_that_is_refused_once_is_refused_again() -> None:
    model = cr.train("penguins", label="species", epochs=1, threads=1).model
    row = dict(cr.datasets.penguins().row(0, named=True))
    first = model.predict_proba(row)
    for _ in range(2):
        with pytest.raises(cr.TableError, match=r"row 1, column 'bill_length_mm' is 'long'; needs a number"):
            model.predict({**row, "bill_length_mm": "long"})
        with pytest.raises(cr.TableError, match="island"):
            model.predict({name: cell for name, cell in row.items() if name != "island"})
    assert model.predict_proba(row).tobytes() == first.tobytes()


def test_the_answers_of_a_model_are_those_of_its_table_in_every_form() -> None:
    run = cr.train("penguins", label="species", epochs=2, threads=1)
    penguins = cr.datasets.penguins().head(20)
    for model in (run.model, cr.Ensemble([run.model, run.model])):
        expected = model.predict_proba(penguins)
        frame = penguins.to_pandas()
        for i, row in enumerate(penguins.iter_rows(named=True)):
            for data in (row, [row], frame.iloc[i], frame.iloc[i : i + 1]):
                assert model.predict_proba(data).tobytes() == expected[i : i + 1].tobytes()
    copied = pickle.loads(pickle.dumps(run.model))
    assert copied.predict_proba(row).tobytes() == run.model.predict_proba(row).tobytes()


def test_polars_is_not_imported_for_a_row(tmp_path: Any) -> None:
    path = tmp_path / "m.creche"
    cr.train("penguins", label="species", epochs=1, threads=1).model.save(path)
    row = dict(cr.datasets.penguins().row(0, named=True))
    program = (
        f"import sys, creche as cr; cr.load({str(path)!r}).predict({row!r}); "
        "print([name for name in ('polars', 'pandas') if name in sys.modules])"
    )
    child = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert child.stdout.strip() == "[]"


def test_a_decimal_and_a_date_are_read_as_tables_read_them() -> None:
    row = {name: column[0] for name, column in training_rows().items()}
    compiled = RowEncoder(ENCODERS["standard"], "float64")
    changed = {**row, "number": Decimal("1.25"), "day": dt.date(2025, 6, 7)}
    found = compiled.encode(changed)
    assert found is not None
    assert found.tobytes() == as_table(ENCODERS["standard"], changed, "float64").tobytes()
