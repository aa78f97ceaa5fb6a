"""Categories in the graph: each word is looked up, and its place in a table of the inputs that its encoder makes of it.

An operator that trims words, or hashes them as the encoder does, does not exist: words have to come without spaces
around them, and of a column whose rare categories are hashed into several inputs, the words of some rows are looked up.
"""

from __future__ import annotations

from collections.abc import Sequence

from creche._advice import advise
from creche.errors import PlanError
from creche.exporting.onnx.graph import ML, Graph, Value
from creche.exporting.words import encode_words
from creche.table.cell_format import CellFormat
from creche.table.encoders.categorical import CategoricalEncoder

__all__ = ["add_categories", "check_word"]


def add_categories(
    graph: Graph,
    words: Value,
    encoder: CategoricalEncoder,
    format: CellFormat | None,
    dtype: str,
    rare: Sequence[str] = (),
) -> Value:
    """Encode a column of words, (rows, 1), as the inputs of its categories, (rows, 1, inputs).

    Parameters
    ----------
    graph : Graph
    words : str
    encoder : CategoricalEncoder
    format : CellFormat or None
        How the cells of the column were written.
    dtype : {"float32", "float64"}
        The precision of the inputs.
    rare : sequence of str, default ()
        Words to look up besides the categories with an input of their own, where the encoder hashes them.

    Raises
    ------
    PlanError
        If categories are hashed and none of them is given, or one cannot be written as UTF-8.

    """
    is_hashed = encoder.buckets > 1
    if is_hashed and not rare:
        raise PlanError(
            f"column {encoder.name!r}: its rare categories share {encoder.buckets} inputs by a hash of their names, "
            f"which an ONNX graph cannot compute; give the training table as {advise('check')}, whose words the file "
            "then knows, or train with a higher max_categories of the preprocessing"
        )
    listed = list(dict.fromkeys((*encoder.categories, *(rare if is_hashed else ()))))
    for word in listed:
        check_word(word, f"column {encoder.name!r}: the category")
    encoded = encode_words(encoder, format, listed, dtype)
    known = encoded.known or {next(iter(listed), ""): encoded.unseen}
    row = graph.add(
        "LabelEncoder", words, domain=ML, keys_strings=list(known), values_int64s=list(known.values()),
        default_int64=encoded.unseen,
    )  # fmt: skip
    return graph.add("Gather", encoded.rows, row)


def check_word(word: str, what: str) -> None:
    """Check that a word can be in an ONNX file.

    Raises
    ------
    PlanError
        If it cannot.

    """
    try:
        word.encode()
    except UnicodeEncodeError as error:
        raise PlanError(f"{what} {word!r} is no valid Unicode, and cannot be written to an ONNX file") from error
    if "\0" in word:
        raise PlanError(f"{what} {word!r} has a character of code 0, which ends a text in an ONNX file")
