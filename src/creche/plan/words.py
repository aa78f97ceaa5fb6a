"""The words a user may choose, as types for editors and type checkers; tests hold them to the registries.

At run time words are taken in any case, and with or without underscores: ``"Adam"``, ``"LeakyReLU"``.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal, TypeAlias, get_args

from creche.errors import CrecheError, PlanError, nearest

__all__ = [
    "BEST_BY",
    "BIAS_INITIALIZERS",
    "BINARIES",
    "BIN_EDGES",
    "CLASS_WEIGHTINGS",
    "CLIPS",
    "DEVICES",
    "DUPLICATES",
    "EFFORTS",
    "KEPT_WEIGHTS",
    "MISSING_LABELS",
    "NORMALIZATIONS",
    "NUMERIC_ENCODINGS",
    "PARAMETERIZATIONS",
    "PRECISIONS",
    "PREPROCESSINGS",
    "RECIPES",
    "ROLES",
    "SCALINGS",
    "SCHEDULE_UNITS",
    "SQL_DIALECTS",
    "SUBMODEL_BATCHES",
    "SUBMODEL_STARTS",
    "TABLE_EXISTS",
    "TASKS",
    "WEIGHT_SHARINGS",
    "ActivationName",
    "BestBy",
    "BiasInitializerName",
    "BinEdges",
    "Binary",
    "ClassWeighting",
    "Clip",
    "DType",
    "DeviceName",
    "Duplicates",
    "Effort",
    "InitializerName",
    "KeptWeights",
    "LossName",
    "MissingLabel",
    "Normalization",
    "NumberEmbeddingName",
    "NumericEncoding",
    "OptimizerName",
    "Parameterization",
    "Precision",
    "PreprocessingName",
    "RecipeName",
    "RecordedQuantity",
    "RecordedStatistic",
    "Role",
    "Scaling",
    "ScheduleName",
    "ScheduleUnit",
    "SqlDialect",
    "SubmodelBatches",
    "SubmodelStart",
    "TableExists",
    "Task",
    "WeightSharing",
    "canonical_word",
    "check_word",
]

Task: TypeAlias = Literal["classification", "regression", "multilabel"]
Precision: TypeAlias = Literal["float32", "float64", "tf32", "bfloat16"]
DType: TypeAlias = Literal["float32", "float64"]
ActivationName: TypeAlias = Literal[
    "identity", "relu", "leaky_relu", "elu", "selu", "gelu", "gelu_tanh", "silu", "mish", "tanh", "sigmoid", "softplus"
]
InitializerName: TypeAlias = Literal[
    "glorot_uniform", "glorot_normal", "he_uniform", "he_normal", "lecun_uniform", "lecun_normal", "orthogonal",
    "zeros", "constant", "unit_variance",
]  # fmt: skip
BiasInitializerName: TypeAlias = Literal["zeros", "normal", "uniform", "sampled"]
Normalization: TypeAlias = Literal["none", "layer", "batch"]
NumberEmbeddingName: TypeAlias = Literal["none", "periodic", "linear"]
WeightSharing: TypeAlias = Literal["mini", "full"]
SubmodelStart: TypeAlias = Literal["signs", "normal"]
SubmodelBatches: TypeAlias = Literal["shared", "own"]
LossName: TypeAlias = Literal[
    "cross_entropy", "binary_cross_entropy", "squared_error", "absolute_error", "huber", "poisson", "quantile"
]
OptimizerName: TypeAlias = Literal[
    "sgd", "adagrad", "adadelta", "rmsprop", "adam", "adamw", "nadam", "radam", "lion", "lbfgs"
]
ScheduleName: TypeAlias = Literal[
    "constant", "step", "exponential", "cosine", "cosine_log", "flat_cosine", "one_cycle", "reduce_on_plateau", "warmup"
]
ScheduleUnit: TypeAlias = Literal["epoch", "step"]
Parameterization: TypeAlias = Literal["standard", "ntk"]
DeviceName: TypeAlias = Literal[
    "cpu", "cuda", "cuda:0", "cuda:1", "cuda:2", "cuda:3", "cuda:4", "cuda:5", "cuda:6", "cuda:7", "mps", "auto"
]
KeptWeights: TypeAlias = Literal["best", "last"]
BestBy: TypeAlias = Literal["plan", "network"]
Scaling: TypeAlias = Literal["auto", "standard", "robust", "quantile", "none"]
PreprocessingName: TypeAlias = Literal["auto", "standard", "robust", "quantile", "none", "realmlp", "piecewise_linear"]
RecipeName: TypeAlias = Literal["plain", "realmlp", "realmlp-s", "tabm-mini"]
Clip: TypeAlias = Literal["none", "smooth"]
NumericEncoding: TypeAlias = Literal["plain", "piecewise_linear"]
BinEdges: TypeAlias = Literal["quantile", "tree"]
Binary: TypeAlias = Literal["one_hot", "sign"]
Duplicates: TypeAlias = Literal["warn", "drop", "together"]
MissingLabel: TypeAlias = Literal["error", "drop"]
TableExists: TypeAlias = Literal["fail", "append", "replace"]
ClassWeighting: TypeAlias = Literal["balanced"]
Effort: TypeAlias = Literal["fast", "default", "best"]
SqlDialect: TypeAlias = Literal["postgresql", "duckdb", "sqlite"]
Role: TypeAlias = Literal["numeric", "categorical", "boolean", "datetime", "text", "identifier", "ignore"]
RecordedQuantity: TypeAlias = Literal["weights", "gradients", "activations"]
RecordedStatistic: TypeAlias = Literal[
    "update_ratio", "weight_norm", "gradient_norm", "dead", "saturated", "activation_mean", "activation_deviation"
]

BIAS_INITIALIZERS: tuple[BiasInitializerName, ...] = get_args(BiasInitializerName)
NORMALIZATIONS: tuple[Normalization, ...] = get_args(Normalization)
WEIGHT_SHARINGS: tuple[WeightSharing, ...] = get_args(WeightSharing)
SUBMODEL_STARTS: tuple[SubmodelStart, ...] = get_args(SubmodelStart)
SUBMODEL_BATCHES: tuple[SubmodelBatches, ...] = get_args(SubmodelBatches)
TABLE_EXISTS: tuple[TableExists, ...] = get_args(TableExists)
TASKS: tuple[Task, ...] = get_args(Task)
PRECISIONS: tuple[Precision, ...] = get_args(Precision)
KEPT_WEIGHTS: tuple[KeptWeights, ...] = get_args(KeptWeights)
BEST_BY: tuple[BestBy, ...] = get_args(BestBy)
SCALINGS: tuple[Scaling, ...] = get_args(Scaling)
PREPROCESSINGS: tuple[PreprocessingName, ...] = get_args(PreprocessingName)
RECIPES: tuple[RecipeName, ...] = get_args(RecipeName)
CLIPS: tuple[Clip, ...] = get_args(Clip)
NUMERIC_ENCODINGS: tuple[NumericEncoding, ...] = get_args(NumericEncoding)
BIN_EDGES: tuple[BinEdges, ...] = get_args(BinEdges)
BINARIES: tuple[Binary, ...] = get_args(Binary)
SCHEDULE_UNITS: tuple[ScheduleUnit, ...] = get_args(ScheduleUnit)
PARAMETERIZATIONS: tuple[Parameterization, ...] = get_args(Parameterization)
DUPLICATES: tuple[Duplicates, ...] = get_args(Duplicates)
MISSING_LABELS: tuple[MissingLabel, ...] = get_args(MissingLabel)
CLASS_WEIGHTINGS: tuple[ClassWeighting, ...] = get_args(ClassWeighting)
# Those that are suggested; machines with more than two GPUs are few.
DEVICES: tuple[DeviceName, ...] = ("cpu", "cuda", "cuda:1", "mps", "auto")
EFFORTS: tuple[Effort, ...] = get_args(Effort)
SQL_DIALECTS: tuple[SqlDialect, ...] = get_args(SqlDialect)
ROLES: tuple[Role, ...] = get_args(Role)


def canonical_word(value: Any, words: Iterable[str]) -> Any:
    """Return the word among `words` that a value spells, in any case and with or without underscores; else the value.

    Examples
    --------
    >>> canonical_word("LeakyReLU", ["relu", "leaky_relu"])
    'leaky_relu'
    >>> canonical_word("Adamm", ["adam", "sgd"])
    'Adamm'

    """
    if not isinstance(value, str):
        return value
    known = list(words)
    if value in known:
        return value
    spelled = _letters(value)
    return next((word for word in known if _letters(word) == spelled), value)


def _letters(word: str) -> str:
    return word.lower().replace("_", "").replace("-", "").replace(" ", "")


def check_word(argument: str, value: Any, words: Iterable[str], *, error: type[CrecheError] = PlanError) -> Any:
    """Return the word among `words` that a value spells.

    Parameters
    ----------
    argument : str
        Its name, for the error; the field of a component as ``"Step.per"``.
    value : object
    words : iterable of str
    error : type, default PlanError
        The kind of error.

    Raises
    ------
    CrecheError
        Of that kind, if it spells none of them.

    Examples
    --------
    >>> check_word("task", "Regression", TASKS)
    'regression'

    """
    known = list(words)
    word = canonical_word(value, known)
    if not isinstance(word, str) or word not in known:
        raise error(f"{argument}: got {value!r}; {nearest(value, known)}", argument=argument.rpartition(".")[2])
    return word
