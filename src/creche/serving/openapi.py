"""The description of the server in OpenAPI 3.1, from the columns of its models."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from creche._version import __version__
from creche.serving.answers import MOST_EXPLAINED
from creche.serving.bodies import ARROW, CSV, JSON, Limits
from creche.serving.columns import DATE_PATTERN, LARGEST_NUMBER, InputColumn, example_row
from creche.serving.served_model import ServedModel

__all__ = ["describe_server"]

Schema = dict[str, Any]
TABLE_TYPES = (CSV, ARROW)


def describe_server(models: Mapping[str, ServedModel], limits: Limits, has_token: bool) -> Schema:
    """Return the description.

    Parameters
    ----------
    models : dict of str to ServedModel
    limits : Limits
    has_token : bool
        Whether requests need a token.

    """
    schemas: Schema = dict(SHARED_SCHEMAS)
    paths: Schema = {
        "/health": _get("Whether the server runs.", "Status", is_open=True),
        "/ready": _get(
            "Whether the server takes requests.", "Status", is_open=True, more={"503": _problem("It ends.")}
        ),
        "/models": _get("The models that are served.", "Models"),
    }
    for served in models.values():
        row, request, answer = (f"{served.name}.{part}" for part in ("Row", "Request", "Answer"))
        schemas[row] = _row_schema(served.columns)
        schemas[request] = _request_schema(row, served, limits)
        schemas[answer] = _answer_schema(served)
        path = f"/models/{quote(served.name)}"
        paths[path] = _get(f"What {served.name} reads and predicts.", "Model")
        paths[f"{path}/predict"] = _predict(served, request, answer)
        scores = f"{served.name}.Scores"
        schemas[scores] = _object({"predictions": {"type": "array", "items": {"type": "object"}}})
        paths[f"{path}/invocations"] = _score(served, row, scores, limits)
        if len(models) == 1:
            paths["/predict"] = _predict(served, request, answer)
            paths["/invocations"] = _score(served, row, scores, limits)
    described: Schema = {
        "openapi": "3.1.0",
        "info": {
            "title": f"Creche: {', '.join(models)}",
            "version": __version__,
            "description": "Predictions of neural networks for rows of a table.",
        },
        "paths": paths,
        "components": {"schemas": schemas},
    }
    if has_token:
        described["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
        described["security"] = [{"token": []}]
    return described


def column_schema(column: InputColumn) -> Schema:
    """Return the schema of the cells of a column."""
    null = ["null"] if column.may_be_missing else []
    schema: Schema = {"examples": [column.example]}
    if column.role == "boolean":
        return schema | {"enum": [True, False, 0, 1, *([None] if null else [])]}
    if column.role == "numeric":
        schema |= {"type": ["number", *null], "minimum": -LARGEST_NUMBER, "maximum": LARGEST_NUMBER}
    elif column.role == "datetime":
        schema |= {"type": ["string", *null], "pattern": DATE_PATTERN}
    else:
        schema |= {"type": ["string", "number", "boolean", *null]}
        if column.categories:
            first = ", ".join(column.categories[:20])
            more = f" and {len(column.categories) - 20:,} more" if len(column.categories) > 20 else ""
            return schema | {"description": f"A category. In training: {first}{more}."}
    if column.low is not None:
        schema["description"] = f"In training from {column.low} to {column.high}."
        schema["x-training-range"] = [column.low, column.high]
    return schema


def _row_schema(columns: tuple[InputColumn, ...]) -> Schema:
    return {
        "type": "object",
        "properties": {column.name: column_schema(column) for column in columns},
        "required": [column.name for column in columns],
        "examples": [example_row(columns)],
    }


def _request_schema(row: str, served: ServedModel, limits: Limits) -> Schema:
    properties: Schema = {
        "rows": {"type": "array", "items": {"$ref": _reference(row)}, "minItems": 1, "maxItems": limits.max_rows},
    }
    properties["explain"] = {
        "type": "boolean",
        "description": f"Whether to tell what each column contributed; for at most {MOST_EXPLAINED} rows.",
    }
    properties["disagreement"] = {
        "type": "boolean",
        "description": "Whether to measure how much the networks of an ensemble disagree about each row.",
    }
    return {"type": "object", "properties": properties, "required": ["rows"], "additionalProperties": False}


def _answer_schema(served: ServedModel) -> Schema:
    labels = served.model.labels
    value: Schema = {"type": "number"}
    if labels.classes is not None:
        value = {"enum": [str(c) if not isinstance(c, str | int | float | bool) else c for c in labels.classes]}
    elif labels.is_multilabel:
        value = {"type": "boolean"}
    row: Schema = {"predicted": _object(dict.fromkeys(labels.predicted_names, value))}
    required = ["predicted"]
    if labels.task != "regression":
        probability = {"type": "number", "minimum": 0, "maximum": 1.000001}
        row["probabilities"] = _object(dict.fromkeys(map(str, labels.outcomes), probability))
        required.append("probabilities")
    if served.is_ensemble:
        row["disagreement"] = {"type": "number", "minimum": 0}
    row["explanation"] = {"$ref": _reference("Explanation")}
    return {
        "type": "object",
        "properties": {
            "model": {"type": "string"},
            "predictions": {"type": "array", "items": {"type": "object", "properties": row, "required": required}},
            "warnings": {"type": "array", "items": {"$ref": _reference("Warning")}},
            "notes": {
                "type": "array", "items": {"type": "string"},
                "description": "What was decided while a table was read, such as that its last line holds totals.",
            },
            "ignored": {
                "type": "array", "items": {"type": "string"},
                "description": "Columns of the request that the model does not read.",
            },
        },
        "required": ["model", "predictions"],
    }  # fmt: skip


def _predict(served: ServedModel, request: str, answer: str) -> Schema:
    summary = f"Predict {', '.join(served.model.labels.names)}."
    example = {"rows": [example_row(served.columns)]}
    return _post_rows(summary, {"schema": {"$ref": _reference(request)}, "example": example}, answer)


def _score(served: ServedModel, row: str, scores: str, limits: Limits) -> Schema:
    """Describe the protocol of MLflow's scoring server by one of its layouts."""
    rows = {"type": "array", "items": {"$ref": _reference(row)}, "minItems": 1, "maxItems": limits.max_rows}
    schema = _object({"dataframe_records": rows}) | {"additionalProperties": False}
    example = {"dataframe_records": [example_row(served.columns)]}
    summary = f"Predict {', '.join(served.model.labels.names)}, by the protocol of MLflow's scoring server."
    return _post_rows(summary, {"schema": schema, "example": example}, scores)


def _post_rows(summary: str, content: Schema, answer: str) -> Schema:
    return {
        "post": {
            "summary": summary,
            "requestBody": {
                "required": True,
                "content": {
                    JSON: content,
                    **{kind: {} for kind in TABLE_TYPES},
                },
            },
            "responses": {
                "200": {
                    "description": "The predictions, in the order of the rows; with Accept, as a table.",
                    "content": {
                        JSON: {"schema": {"$ref": _reference(answer)}},
                        **{kind: {} for kind in TABLE_TYPES},
                    },
                },
                "400": _problem("The body is not valid JSON."),
                "408": _problem("The body comes too slowly."),
                "413": _problem("The body is too large."),
                "415": _problem("The body is of a type that is not known."),
                "422": _problem("Too many rows, or wrong ones: each wrong cell with its row and column."),
                **DENIED,
            },
        }
    }


def _get(summary: str, schema: str, *, is_open: bool = False, more: Schema | None = None) -> Schema:
    operation: Schema = {
        "summary": summary,
        "responses": {"200": _json(summary, schema), **({} if is_open else DENIED), **(more or {})},
    }
    return {"get": operation | ({"security": []} if is_open else {})}


def _json(description: str, schema: str) -> Schema:
    return {"description": description, "content": {JSON: {"schema": {"$ref": _reference(schema)}}}}


def _problem(description: str) -> Schema:
    content = {"application/problem+json": {"schema": {"$ref": _reference("Problem")}}}
    return {"description": description, "content": content}


def _object(properties: Schema) -> Schema:
    return {"type": "object", "properties": properties, "required": list(properties)}


def _reference(name: str) -> str:
    return f"#/components/schemas/{quote(name)}"


DENIED = {
    "401": _problem("The token is missing or wrong."),
    "503": _problem("The server is busy, or ends."),
}
SHARED_SCHEMAS: Schema = {
    "Status": _object({"status": {"type": "string"}}),
    "Models": _object({"models": {"type": "array", "items": {"$ref": _reference("Model")}}}),
    "Model": _object(
        {
            "name": {"type": "string"},
            "task": {"enum": ["classification", "regression", "multilabel"]},
            "labels": {"type": "array", "items": {"type": "string"}},
            "columns": {"type": "array", "items": {"type": "object"}},
            "digest": {"type": "string"},
        }
    ),
    "Warning": _object(
        {
            "column": {"type": "string"},
            "kind": {"enum": ["outside_range", "unseen_category", "missing_values"]},
            "count": {"type": "integer", "minimum": 1},
            "message": {"type": "string"},
        }
    ),
    "Explanation": _object(
        {
            "target": {"type": ["string", "number", "boolean"]},
            "unit": {"enum": ["probability", "number"]},
            "baseline": {"type": "number"},
            "contributions": {"type": "object", "additionalProperties": {"type": "number"}},
        }
    ),
    "CellError": _object(
        {
            "row": {"type": ["integer", "null"]},
            "column": {"type": ["string", "null"]},
            "message": {"type": "string"},
        }
    ),
    "Problem": {
        "type": "object",
        "properties": {
            "title": {"type": "string"},
            "status": {"type": "integer"},
            "detail": {"type": "string"},
            "errors": {"type": "array", "items": {"$ref": _reference("CellError")}},
            "errors_total": {"type": "integer"},
        },
        "required": ["title", "status", "detail"],
    },
}
