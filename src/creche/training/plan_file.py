"""Plan files: arguments of `creche.train`, by their names, as TOML or JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from creche._advice import advise
from creche.errors import FileError, PlanError, nearest
from creche.plan.arguments import ARGUMENTS, OF_NETWORK, PER_LAYER, arguments_in
from creche.plan.component import Component
from creche.plan.embeddings import CategoryEmbedding
from creche.plan.plan import Plan, with_kept_weights
from creche.table.preparation import Preparation

__all__ = ["FILE_ARGUMENTS", "format_plan", "plan_to_arguments", "read_plan", "write_plan"]

# What a file may hold: what determines a run, and not where its data lies or how it is observed.
FILE_ARGUMENTS = arguments_in("plan", "preparation")


def plan_to_arguments(plan: Plan, preparation: Preparation) -> dict[str, Any]:
    """Return the arguments of `creche.train` that carry out a plan again, as plain data.

    Raises
    ------
    PlanError
        If the network was trained on a bootstrap sample, which only a sweep draws.

    Examples
    --------
    >>> import creche as cr
    >>> run = cr.train("penguins", label="species", hidden=[5], epochs=3, threads=1)
    >>> arguments = plan_to_arguments(run.plan, run.prepared.preparation)
    >>> arguments["label"], arguments["hidden"], arguments["optimizer"]["kind"]
    ('species', [5], 'adam')
    >>> again = cr.train("penguins", **arguments, threads=1)
    >>> bool((again.model.weights[0][0] == run.model.weights[0][0]).all())
    True

    """
    if preparation.bootstrap is not None:
        raise PlanError(
            "the network was trained on a bootstrap sample, which a plan of one network cannot describe; train it "
            f"again with {advise('creche.sweep')} and {advise('bootstrap', True)}, which keeps its plan, or leave "
            f"{advise('save_plan')} out",
            argument="save_plan",
        )
    hidden = plan.network.layers[:-1]
    arguments: dict[str, Any] = {
        "label": preparation.label[0] if len(preparation.label) == 1 else list(preparation.label),
        "hidden": [layer.width for layer in hidden],
    }
    for name in PER_LAYER:
        layers = hidden if ARGUMENTS[name].per_layer == "hidden" else plan.network.layers
        if ARGUMENTS[name].default is None and all(layer.has_default(name) for layer in layers):
            continue
        values = [getattr(layer, name) for layer in layers]
        if ARGUMENTS[name].per_layer == "first":  # where one value is not for all layers
            arguments[name] = values if any(values[1:]) else values[0]
        else:
            arguments[name] = _shorten(values)
    if plan.network.submodels > 1:
        arguments |= {name: getattr(plan.network, name) for name in OF_NETWORK}
    for field in fields(plan):
        if field.name in FILE_ARGUMENTS and (field.name != "submodel_batches" or plan.network.submodels > 1):
            value = getattr(plan, field.name)
            arguments[field.name] = False if value is None else _plain(value)
    for embedded in plan.network.embeddings:
        is_category = isinstance(embedded.embedding, CategoryEmbedding)
        arguments["category_embedding" if is_category else "number_embedding"] = embedded.embedding.to_dict()
    settings = preparation.to_dict()
    settings["preprocessing"].pop("codes_above", None)  # the embedding of categories sets it
    split = settings.pop("split")
    split["split_column"], split["split_seed"] = split.pop("column"), split.pop("seed")
    del settings["label"]
    settings.pop("row_order", None)  # follows from `shuffle` and the seed
    given = {name: value for name, value in {**arguments, **split, **settings}.items() if value not in (None, [], {})}
    return {**given, "hidden": arguments["hidden"]}


def _plain(value: Any) -> Any:
    """Return components, also those in a tuple, as plain data."""
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value.to_dict() if isinstance(value, Component) else value


def _shorten(values: list[Any]) -> Any:
    """Return one value if all are the same, else the list."""
    plain = [_plain(value) for value in values]
    return plain[0] if plain and all(value == plain[0] for value in plain) else plain


def format_plan(arguments: Mapping[str, Any]) -> str:
    """Return arguments as the text of a file in TOML, which `read_plan` reads."""
    import tomli_w

    return tomli_w.dumps(_without_none(dict(arguments)))


def write_plan(arguments: Mapping[str, Any], path: str | Path) -> None:
    """Write arguments to a file that `read_plan` reads: JSON if its name ends in .json, else TOML.

    Raises
    ------
    FileError
        If it cannot be written.

    """
    from creche._system.atomic_files import open_replacement

    if Path(path).suffix == ".json":
        text = json.dumps(dict(arguments), indent=2, allow_nan=False) + "\n"
    else:
        text = format_plan(arguments)
    with open_replacement(path) as file:
        file.write(text.encode())


def read_plan(path: str | Path) -> dict[str, Any]:
    """Return the arguments of `creche.train` in a TOML (or JSON) file.

    A file without early stopping that does not name the weights to keep means the last, as in earlier versions.

    Raises
    ------
    FileError
        If the file cannot be read.
    PlanError
        If it is not TOML (or JSON), or has a key that is not an argument.

    """
    try:
        text = Path(path).read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise PlanError(f"{path}: byte {error.start} is not UTF-8 text; needs a plan in TOML") from error
    except OSError as error:
        raise FileError(f"{path}: {error.strerror or error}; needs a plan in TOML") from error
    arguments: dict[str, Any] = with_kept_weights(_parse(text, path))
    for name in arguments:
        if name not in FILE_ARGUMENTS:
            raise PlanError(f"{path}: unknown key {name!r}; {nearest(name, FILE_ARGUMENTS)}", argument=name)
    return arguments


def _parse(text: str, path: str | Path) -> dict[str, Any]:
    import tomllib

    try:
        found = json.loads(text) if Path(path).suffix == ".json" else tomllib.loads(text)
    except (json.JSONDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise PlanError(f"{path}: cannot be read as a plan ({error})") from error
    if not isinstance(found, dict):
        raise PlanError(f"{path}: holds {type(found).__name__}; needs names and values, such as epochs = 100")
    return found


def _without_none(value: Any) -> Any:
    """Leave out what is None, which TOML does not have: it is the default of what is left out."""
    if isinstance(value, Mapping):
        return {key: _without_none(item) for key, item in value.items() if item is not None}
    return [_without_none(item) for item in value] if isinstance(value, list) else value
