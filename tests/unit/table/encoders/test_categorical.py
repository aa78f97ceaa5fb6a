from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from creche.errors import FileError, PlanError
from creche.table.cell_types import ColumnContext
from creche.table.encoders.categorical import CategoricalEncoder
from creche.table.encoders.preprocessing import Preprocessing
from creche.table.table import Column

WORDS = st.lists(st.one_of(st.none(), st.sampled_from([f"w{i}" for i in range(12)])), min_size=1, max_size=60)


def fit(
    words: list[str | None], infrequent: int = 1, max_categories: int = 32, buckets: int = 4, weights: Any = None
) -> CategoricalEncoder:
    preprocessing = Preprocessing(infrequent=infrequent, max_categories=max_categories, buckets=buckets)
    return CategoricalEncoder.fit("town", Column.from_words(words), preprocessing, weights)


def encode(encoder: CategoricalEncoder, column: Column | list[str | None]) -> NDArray[np.float32]:
    column = column if isinstance(column, Column) else Column.from_words(column)
    out = np.full((len(column), encoder.width), np.nan, dtype=np.float32)
    encoder.write(encoder.prepare(column, ColumnContext("the table", "town")), out)
    return out


def test_one_input_for_each_category() -> None:
    encoder = fit(["b", "a", "c", "a"])
    assert encoder.inputs == ("town=a", "town=b", "town=c")
    assert encode(encoder, ["c", "a", "b"]).tolist() == [[0, 0, 1], [1, 0, 0], [0, 1, 0]]


def test_rare_ones_and_those_never_seen_share_an_input() -> None:
    encoder = fit(["a"] * 5 + ["b"] * 4 + ["c", "d"], infrequent=3)
    assert encoder.inputs == ("town=a", "town=b", "town=other")
    assert encode(encoder, ["c", "d", "e", "a"]).tolist() == [[0, 0, 1], [0, 0, 1], [0, 0, 1], [1, 0, 0]]


def test_the_never_seen_are_nothing_where_nothing_was_learnt_of_others() -> None:
    assert encode(fit(["a", "b"]), ["c", "a"]).tolist() == [[0, 0], [1, 0]]


def test_missing_words_have_an_input_if_training_had_such() -> None:
    encoder = fit(["a", None, "b"])
    assert encoder.inputs == ("town=a", "town=b", "town missing")
    assert encode(encoder, [None, "b"]).tolist() == [[0, 0, 1], [0, 1, 0]]
    assert encode(fit(["a", "b"]), [None, "b"]).tolist() == [[0, 0], [0, 1]]


def test_very_many_are_hashed_into_few_inputs() -> None:
    words: list[str | None] = [f"w{i}" for i in range(1000) for _ in range(1 + (i < 10))]
    encoder = fit(words, max_categories=10, buckets=16)
    assert encoder.categories == tuple(sorted(f"w{i}" for i in range(10)))
    assert encoder.width == 26
    z = encode(encoder, words)
    assert (z.sum(axis=1) == 1).all()
    shared = z[20:, 10:].sum(axis=0)
    assert shared.min() > 990 / 16 / 2
    assert shared.max() < 990 / 16 * 2


def test_buckets_are_the_same_for_ever() -> None:
    """Files of older versions depend on the hashes."""
    encoder = CategoricalEncoder("town", "words", (), 16)
    places = encode(encoder, ["a", "b", "Zürich", "東京", ""]).argmax(axis=1)
    assert places.tolist() == [0, 4, 0, 14, 4]


@given(WORDS, st.integers(1, 4), st.integers(1, 12), st.integers(1, 5))
def test_each_row_is_at_one_place_of_bounded_many(
    words: list[str | None], infrequent: int, most: int, buckets: int
) -> None:
    encoder = fit(words, infrequent, most, buckets)
    z = encode(encoder, words)
    assert (z.sum(axis=1) == 1).all()
    assert ((z == 0) | (z == 1)).all()
    assert encoder.width == len(encoder.inputs) <= most + buckets + 1
    counts = Counter(word for word in words if word is not None)
    for word in encoder.categories:
        rows = [i for i, w in enumerate(words) if w == word]
        assert (z[rows].argmax(axis=1) == encoder.inputs.index(f"town={word}")).all()
        assert counts[word] >= infrequent or all(count < infrequent for count in counts.values())
    frequent = sorted((count for count in counts.values() if count >= infrequent), reverse=True)[:most]
    if frequent:
        assert sorted((counts[word] for word in encoder.categories), reverse=True) == frequent


@given(WORDS, st.randoms())
def test_neither_the_order_of_rows_nor_of_words_matters(words: list[str | None], random: Any) -> None:
    shuffled = words.copy()
    random.shuffle(shuffled)
    assert fit(shuffled, 2, 4, 3) == fit(words, 2, 4, 3)
    column = Column.from_words(words)
    longer = Column(
        "words", np.where(column.values < 0, -1, column.values + 1).astype(np.int32), ("w0 ", *column.words)
    )
    encoder = fit(words, 2, 4, 3)
    np.testing.assert_array_equal(encode(encoder, longer), encode(encoder, column))


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(1, 3)), min_size=1, max_size=20))
def test_a_weight_is_as_many_rows(rows: list[tuple[str, int]]) -> None:
    words, counts = [word for word, _ in rows], [count for _, count in rows]
    repeated: list[str | None] = [word for word, count in rows for _ in range(count)]
    weighted = fit(list(words), 3, 3, 2, np.array(counts, dtype=np.float64))
    assert weighted == fit(repeated, 3, 3, 2)


def test_numbers_can_be_categories() -> None:
    column = Column("whole", np.array([10, 9, 10, 9]))
    encoder = CategoricalEncoder.fit("zone", column, Preprocessing(infrequent=1, buckets=4))
    assert set(encoder.inputs) == {"zone=9", "zone=10"}
    assert (encoder.kind, encode(encoder, column).sum()) == ("whole", 4)


@pytest.mark.parametrize(
    "change",
    [
        {"name": None}, {"kind": "text"}, {"kind": []}, {"categories": "ab"}, {"categories": ["a", "a"]},
        {"categories": ["a", 1]}, {"buckets": -1}, {"buckets": 2**40}, {"buckets": True}, {"marked": "yes"},
    ],
    ids=str,
)  # fmt: skip
def test_damaged_data_is_refused(change: dict[str, Any]) -> None:
    encoder = fit(["a", "b", None])
    assert CategoricalEncoder.from_dict(encoder.to_dict()) == encoder
    with pytest.raises(FileError, match="the file was damaged or made by hand"):
        CategoricalEncoder.from_dict({**encoder.to_dict(), **change})


def test_the_sign_of_two_categories() -> None:
    signs = Preprocessing(binary="sign")
    encoder = CategoricalEncoder.fit("town", Column.from_words(["b", "a", "b", None, "b"]), signs)
    assert (encoder.inputs, encoder.width, encoder.is_constant) == (("town=b", "town missing"), 2, False)
    assert encode(encoder, ["a", "b", None, "c"]).tolist() == [[-1, 0], [1, 0], [0, 1], [0, 0]]
    assert CategoricalEncoder.from_dict(encoder.to_dict()) == encoder
    complete = CategoricalEncoder.fit("town", Column.from_words(["b", "a"]), signs)
    assert encode(complete, ["a", "b", None, "c"]).tolist() == [[-1], [1], [0], [0]]
    for words in (["a", "b", "c"] * 9, ["a"] * 9):
        column = Column.from_words(words)
        assert CategoricalEncoder.fit("town", column, signs) == CategoricalEncoder.fit("town", column, Preprocessing())
    for change in ({"categories": ["a", "b", "c"]}, {"buckets": 1}, {"signed": 1}):
        with pytest.raises(FileError, match="the file was damaged or made by hand"):
            CategoricalEncoder.from_dict({**encoder.to_dict(), **change})
    assert "signed" not in fit(["a", "b"]).to_dict()


@given(WORDS, st.integers(0, 12), st.integers(1, 4))
def test_the_code_of_a_category_is_that_of_its_one_hot_input(
    words: list[str | None], codes_above: int, infrequent: int
) -> None:
    """Counted from 1; all that has no input of its own has code 0, missing values among them."""
    settings = {"infrequent": infrequent, "max_categories": 100}
    column = Column.from_words(words)
    plain = CategoricalEncoder.fit("town", column, Preprocessing(**settings))
    coded = CategoricalEncoder.fit("town", column, Preprocessing(**settings, codes_above=codes_above))
    distinct = len({word for word in words if word is not None})
    assert coded.coded == (distinct > max(codes_above, 1))
    assert CategoricalEncoder.from_dict(coded.to_dict()) == coded
    if not coded.coded:
        assert coded == plain
        return
    asked = [*words, "elsewhere", None]
    ones = encode(plain, asked)[:, : len(plain.categories) + plain.buckets]
    assert coded.inputs == ("town",)
    assert coded.codes == 1 + ones.shape[1]
    codes = encode(coded, asked)[:, 0]
    assert np.array_equal(codes, np.where(ones.any(axis=1), ones.argmax(axis=1) + 1, 0))


def test_damaged_codes_are_refused() -> None:
    encoder = CategoricalEncoder.fit("town", Column.from_words(["a", "b", "c"]), Preprocessing(codes_above=2))
    assert encoder.coded
    for change in ({"coded": 1}, {"marked": True}, {"signed": True, "categories": ["a", "b"], "buckets": 0}):
        with pytest.raises(FileError, match="the file was damaged or made by hand"):
            CategoricalEncoder.from_dict({**encoder.to_dict(), **change})


@pytest.mark.parametrize("clip", ["none", "smooth"])
@given(words=WORDS, signs=st.booleans())
def test_scaled_inputs_are_scaled_as_numbers_are(clip: Any, words: list[str | None], signs: bool) -> None:
    """By the median and the distance between the quartiles, or half the range, of each input over the training rows."""
    settings: dict[str, Any] = {
        "scaling": "robust", "clip": clip, "infrequent": 1, "binary": "sign" if signs else "one_hot"
    }  # fmt: skip
    column = Column.from_words(words)
    plain = CategoricalEncoder.fit("town", column, Preprocessing(**settings))
    scaled = CategoricalEncoder.fit("town", column, Preprocessing(**settings, scale_categories=True))
    assert CategoricalEncoder.from_dict(scaled.to_dict()) == scaled
    assert scaled.inputs == plain.inputs
    asked = [*words, "elsewhere", None]
    before, after = encode(plain, asked).astype(float), encode(scaled, asked)
    own = plain.width - plain.marked
    low, median, high = np.quantile(encode(plain, words), [0.25, 0.5, 0.75], axis=0, method="averaged_inverted_cdf")
    values = encode(plain, words)
    spread = np.where(high > low, high - low, (values.max(axis=0) - values.min(axis=0)) / 2)
    spread[spread == 0] = 1
    expected = (before - median) / spread
    if clip == "smooth":
        expected = expected / np.sqrt(1 + (expected / 3) ** 2)
    np.testing.assert_allclose(after[:, :own], expected[:, :own], rtol=1e-6)
    assert np.array_equal(after[:, own:], before[:, own:])


def test_scaled_categories_need_robust_scaling() -> None:
    with pytest.raises(PlanError, match="scale_categories: is for robust scaling, and the scaling is 'standard'"):
        Preprocessing(scale_categories=True)


def test_damaged_scales_are_refused() -> None:
    settings = Preprocessing("robust", scale_categories=True)
    encoder = CategoricalEncoder.fit("town", Column.from_words(["a", "b", "c", None] * 5), settings)
    assert len(encoder.scales) == 3
    for change in ({"centers": [0.0]}, {"scales": [1.0, 0.0, 1.0]}, {"clipped": 1}, {"coded": True, "marked": False}):
        with pytest.raises(FileError, match="the file was damaged or made by hand"):
            CategoricalEncoder.from_dict({**encoder.to_dict(), **change})
