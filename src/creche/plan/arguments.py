"""The table of arguments: one entry for each argument of `creche.train`, from which every other list of them derives.

What a plan file may hold, what a sweep may vary, what folds refuse, what estimators pass on, and the options of the
command line with their help are all read from `ARGUMENTS`. The signature of `creche.train` and the fields of
`creche.training.arguments.TrainArguments` are written out, for editors and type checkers; a test holds them to it.

To add an argument: an entry here, a parameter of `creche.train`, a field of `TrainArguments`, and its use.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import wraps
from numbers import Integral
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, NamedTuple, TypeAlias, TypeVar

from creche._system.output_files import Input, Output
from creche.errors import PlanError, UnknownArgumentError
from creche.plan.unknown_arguments import explain_unknown

__all__ = [
    "ARGUMENTS",
    "CHANGEABLE",
    "CHECKPOINT_FILES",
    "DEFAULTS",
    "ENCODED_FILES",
    "FILES",
    "NETWORK",
    "NUMBER_SCHEDULES",
    "OF_LABEL",
    "OF_NETWORK",
    "OPTIMIZER_FIELDS",
    "PER_LAYER",
    "REQUIRED",
    "ROWS",
    "SWEEPABLE",
    "TABLE",
    "TRAINING",
    "Argument",
    "CommandOption",
    "Group",
    "arguments_in",
    "check_whole_number",
    "reject_unknown",
]

Group: TypeAlias = Literal["data", "plan", "preparation", "optimizer", "held_out", "run"]

REQUIRED: Any = ...  # the default of an argument that has none

# The names of what is written to a folder of checkpoints.
CHECKPOINT_FILES = ("run.json", "epoch-*.creche-checkpoint")

# The names of what `creche.encode` writes to its folder.
ENCODED_FILES = ("*.json", "column-*", "numbers-*", "values-*", "words-*", "rows-*")

# The headings of the command line's help under which options are listed.
TABLE, NETWORK, TRAINING, ROWS, FILES = "The table", "The network", "Training", "Which rows", "Files and output"


class CommandOption(NamedTuple):
    """How the command line takes an argument.

    Attributes
    ----------
    panel, help : str
        The heading it appears under, and its line there.
    kind : type
        The type of the text typed: str, int, float, bool, Path, or list for an option that may be repeated.
    default : str
        What the help shows as the default; empty for nothing.
    flag : str
        Its flag, if that is not the argument's name.
    parser : str
        Where the function lies that turns the text into a value, as ``module:function``; imported when it is needed.
    words : str
        Where the words lie that a shell may complete, as ``module:name``.
    file : Input or Output, optional
        What it is if it names a file: one that is read, or one that is written.
    metavar : str
        What the help shows for its value, if not its type.

    """

    panel: str
    help: str
    kind: type = str
    default: str = ""
    flag: str = ""
    parser: str = ""
    words: str = ""
    file: Input | Output | None = None
    metavar: str = ""


class Argument(NamedTuple):
    """One argument of `creche.train`, or a field of its optimizer that sweeps take as an argument, too.

    Attributes
    ----------
    name : str
    default : object
        `REQUIRED` if there is none.
    group : str
        "data": the table and its labels. "plan": what a `Plan` holds. "preparation": what a `Preparation` holds.
        "optimizer": a field of the optimizer, and no argument of `creche.train`. "held_out": tables for validation and
        testing. "run": how one run is carried out and observed.
    per_layer : {"", "hidden", "all", "first"}
        Whether a list holds a value for each layer: of the hidden layers, or of all of them; "first" if one value is
        that of the first layer alone.
    is_list : bool
        Whether a list of numbers is one value.
    sweepable : bool
        Whether the networks of a sweep may differ in it.
    with_folds : bool
        Whether it can be given together with folds, which split the table themselves.
    estimator : bool
        Whether the estimators have a parameter of this name and pass it on as it is.
    fit : bool
        Whether `creche.fit` takes it, too.
    adjusts_recipe : bool
        Whether it can be given besides a recipe that sets it.
    changeable : bool
        Whether it can change while a network trains (see `creche.plan.changes`).
    of_label : bool
        Whether it holds for one label only, and says nothing about another.
    command : CommandOption, optional
        None if the command line does not have it.

    """

    name: str
    default: Any
    group: Group
    per_layer: Literal["", "hidden", "all", "first"] = ""
    is_list: bool = False
    sweepable: bool = False
    with_folds: bool = True
    estimator: bool = False
    fit: bool = False
    adjusts_recipe: bool = False
    changeable: bool = False
    of_label: bool = False
    command: CommandOption | None = None


def _option(panel: str, help: str, kind: type = str, default: str = "", **more: Any) -> CommandOption:
    """Return an option; its parser is named without the module that parsers usually lie in."""
    if "parser" in more and ":" not in more["parser"]:
        more["parser"] = f"creche.cli.options:{more['parser']}"
    return CommandOption(panel, help, kind, default, **more)


# In the order in which the command line's help lists them.
_ENTRIES = (
    Argument("data", REQUIRED, "data", fit=True),
    Argument("y", None, "data", fit=True),
    Argument("label", None, "preparation", fit=True, of_label=True, command=_option(
        TABLE, "Column to predict; several, all numeric or all yes or no, separated by commas.", parser="parse_words",
        metavar="NAME",
    )),
    Argument("schema", None, "preparation", estimator=True, fit=True, command=_option(
        TABLE, "Role of a column: numeric, categorical, boolean, datetime, text, identifier or ignore. Repeat for "
        "more columns.", list, "inferred", flag="--column", parser="parse_roles", metavar="NAME=ROLE",
    )),
    Argument("preprocessing", None, "preparation", sweepable=True, estimator=True, command=_option(
        TABLE, "Scaling of numbers: standard, robust, quantile or none; or how all columns are encoded: auto, realmlp "
        "or piecewise_linear.", str, "auto, which is standard below 500 training rows",
        words="creche.plan.words:PREPROCESSINGS",
    )),
    Argument("standardize", True, "preparation", estimator=True),
    Argument("classes", None, "preparation", fit=True, of_label=True, command=_option(
        TABLE, "Classes in the order of the outputs: Adelie,Gentoo,Chinstrap; or names for the values of the label: "
        "0=Adelie,1=Gentoo,2=Chinstrap.", str, "sorted", parser="parse_classes",
    )),
    Argument("read_options", None, "preparation", fit=True),
    Argument("missing_label", "error", "preparation", fit=True),
    Argument("task", None, "plan", fit=True, of_label=True, command=_option(
        TABLE, "Task: classification, regression or multilabel.", str, "from the label",
        words="creche.plan.words:TASKS",
    )),
    Argument("recipe", None, "plan", sweepable=True, command=_option(
        NETWORK, "Network, optimizer and preprocessing by a name: plain, realmlp, realmlp-s or tabm-mini.",
        words="creche.plan.words:RECIPES",
    )),
    Argument("hidden", (32, 32), "plan", is_list=True, sweepable=True, estimator=True, command=_option(
        NETWORK, "Widths of the hidden layers; 'none' for no hidden layer.", str, "32,32", parser="parse_widths",
    )),
    Argument("activation", "tanh", "plan", per_layer="hidden", sweepable=True, estimator=True, command=_option(
        NETWORK, "Activation of the hidden layers: tanh, relu, gelu, …", str, "tanh", parser="parse_words",
        words="creche.plan:ACTIVATIONS",
    )),
    Argument("dropout", 0.0, "plan", "hidden", sweepable=True, changeable=True, estimator=True, command=_option(
        NETWORK, "Share of activations that are set to 0 at random during training.", float, "0", parser="parse_shares",
    )),
    Argument("initializer", None, "plan", per_layer="all", sweepable=True, estimator=True, command=_option(
        NETWORK, "Initial weights: he_normal, glorot_uniform, …", str, "by activation",
        words="creche.plan:INITIALIZERS",
    )),
    Argument("bias_initializer", "zeros", "plan", per_layer="all", sweepable=True, estimator=True, command=_option(
        NETWORK, "Initial biases: zeros, normal, uniform or sampled.", str, "zeros",
        words="creche.plan.words:BIAS_INITIALIZERS",
    )),
    Argument("normalization", None, "plan", per_layer="hidden", sweepable=True, estimator=True, command=_option(
        NETWORK, "Normalization of the weighted sums of hidden layers: layer, batch or none.", str, "none",
        words="creche.plan.words:NORMALIZATIONS",
    )),
    Argument("parametric_activation", False, "plan", "hidden", sweepable=True, estimator=True, command=_option(
        NETWORK, "Learn how much the activation of each neuron bends.", bool,
    )),
    Argument("residual", False, "plan", per_layer="hidden", sweepable=True, estimator=True, command=_option(
        NETWORK, "Add the inputs of hidden layers with as many neurons as inputs to their outputs.", bool,
    )),
    Argument("scale_inputs", False, "plan", per_layer="first", sweepable=True, estimator=True, command=_option(
        NETWORK, "Learn a factor for each input.", bool,
    )),
    Argument("number_embedding", None, "plan", sweepable=True, estimator=True, command=_option(
        NETWORK, "Make several inputs of each number: periodic, linear or none.", str, "none",
        words="creche.plan.embeddings:NUMBER_EMBEDDINGS",
    )),
    Argument("category_embedding", None, "plan", sweepable=True, estimator=True, command=_option(
        NETWORK, "Learn a vector of this length for each category, of columns with more than eight.", int, "none",
    )),
    Argument("submodels", 1, "plan", sweepable=True, estimator=True, command=_option(
        NETWORK, "Number of networks that share weights and predict as one.", int, "1",
    )),
    Argument("weight_sharing", "mini", "plan", sweepable=True, estimator=True, command=_option(
        NETWORK, "What submodels share: mini, all but scales of the inputs and output layers; or full, the matrices of "
        "hidden layers.", str, "mini", words="creche.plan.words:WEIGHT_SHARINGS",
    )),
    Argument("loss", None, "plan", sweepable=True, estimator=True, of_label=True, command=_option(
        TRAINING, "Loss to minimize: cross_entropy, squared_error, huber, quantile:0.9, …", str, "by task",
        words="creche.plan:LOSSES",
    )),
    Argument("quantiles", None, "plan", is_list=True, fit=True, command=_option(
        TRAINING, "Quantiles to predict, in ascending order: 0.05,0.5,0.95.", parser="parse_quantiles",
    )),
    Argument("ordered", False, "plan", fit=True, command=_option(
        TRAINING, "Learn classes in their order: that of --classes, or of whole numbers.", bool,
    )),
    Argument("optimizer", "adam", "plan", sweepable=True, changeable=True, estimator=True, command=_option(
        TRAINING, "Update rule: adam, sgd, adadelta, …", str, "adam", words="creche.plan:OPTIMIZERS",
    )),
    Argument("learning_rate", None, "plan", sweepable=True, changeable=True, adjusts_recipe=True, estimator=True,
             command=_option(TRAINING, "Step size of the optimizer.", float, "the optimizer's")),
    Argument("schedule", "constant", "plan", sweepable=True, changeable=True, estimator=True, command=_option(
        TRAINING, "Learning rate schedule: constant, cosine, one_cycle, …", str, "constant",
        words="creche.plan:SCHEDULES",
    )),
    Argument("weight_decay_schedule", "constant", "plan", sweepable=True, estimator=True, command=_option(
        TRAINING, "Schedule of the weight decay: constant, flat_cosine, …", str, "constant",
        words="creche.plan:SCHEDULES",
    )),
    Argument("dropout_schedule", "constant", "plan", sweepable=True, estimator=True, command=_option(
        TRAINING, "Schedule of the dropout: constant, flat_cosine, …", str, "constant",
        words="creche.plan:SCHEDULES",
    )),
    Argument("label_smoothing_schedule", "constant", "plan", sweepable=True, estimator=True),
    Argument("batch_size", 32, "plan", sweepable=True, changeable=True, adjusts_recipe=True, estimator=True,
             command=_option(TRAINING, "Number of rows per step.", int, "32")),
    Argument("drop_last", False, "plan", sweepable=True, estimator=True),
    Argument("submodel_batches", "shared", "plan", sweepable=True, estimator=True, command=_option(
        TRAINING, "Rows of the submodels in each step: shared, the same for all; or own, each its own.", str, "shared",
        words="creche.plan.words:SUBMODEL_BATCHES",
    )),
    Argument("shards", 1, "plan", sweepable=True, estimator=True, command=_option(
        TRAINING, "Parts of each batch whose gradients are summed each for itself, for several processes.", int, "1",
    )),
    Argument("epochs", 100, "plan", sweepable=True, changeable=True, adjusts_recipe=True, command=_option(
        TRAINING, "Number of passes over the training rows.", int, "100",
    )),
    Argument("early_stopping", None, "plan", sweepable=True, command=_option(
        TRAINING, "Stop after this many epochs without improvement; 'off' for never.", int,
        "a tenth of the epochs with validation rows", parser="parse_patience",
    )),
    Argument("keep", "best", "plan", sweepable=True, estimator=True, command=_option(
        TRAINING, "Weights to keep: those of the best epoch on the validation rows, or of the last epoch.", str, "best",
        words="creche.plan.words:KEPT_WEIGHTS",
    )),
    Argument("shuffle", True, "plan", sweepable=True, estimator=True, command=_option(
        TRAINING, "Order of rows in each epoch: yes for a random one, no for that of the table, or windows:4096,64, "
        "which shuffles blocks of 4,096 rows, and rows within 64 blocks.", str, "yes", parser="parse_row_order",
    )),
    Argument("precision", "float32", "plan", command=_option(
        TRAINING, "Number type: float32, float64, or float32 with products of tf32 or bfloat16.", str, "float32",
        words="creche.plan.words:PRECISIONS",
    )),
    Argument("class_weight", None, "preparation", fit=True, of_label=True, command=_option(
        TRAINING, "Weight of each class: 'balanced', or weights such as Adelie=2,Gentoo=1.",
        parser="parse_class_weight",
    )),
    Argument("sample_weight", None, "preparation", fit=True, command=_option(
        TRAINING, "Column with the weight of each row.",
    )),
    Argument("seed", 0, "plan", fit=True, command=_option(
        TRAINING, "Seed for everything random: split, initial weights, order of rows, dropout.", int, "0",
    )),
    Argument("weight_decay", None, "optimizer", sweepable=True, changeable=True, command=_option(
        TRAINING, "Weight decay (L2 regularization).", float, "0",
    )),
    Argument("l1", None, "optimizer", sweepable=True, changeable=True, command=_option(
        TRAINING, "Strength of L1 regularization.", float, "0",
    )),
    Argument("momentum", None, "optimizer", sweepable=True),
    Argument("clip_norm", None, "optimizer", sweepable=True, command=_option(
        TRAINING, "Maximum gradient norm (gradient clipping).", float, "none",
    )),
    Argument("clip_value", None, "optimizer", sweepable=True),
    Argument("validation_fraction", 0.3, "preparation", command=_option(
        ROWS, "Share of rows held out for validation.", float, "0.3",
    )),
    Argument("test_fraction", 0.0, "preparation", with_folds=False, command=_option(
        ROWS, "Share of rows held out for testing.", float, "0",
    )),
    Argument("stratify", True, "preparation"),
    Argument("group", None, "preparation", fit=True, command=_option(
        ROWS, "Column of groups, such as patient: the rows of a group stay in one part of the split.",
    )),
    Argument("time", None, "preparation", fit=True, command=_option(
        ROWS, "Column with the time of each row: the latest rows are held out.",
    )),
    Argument("split_column", None, "preparation", with_folds=False, command=_option(
        ROWS, "Column that assigns each row to train, validation or test.",
    )),
    Argument("split_seed", None, "preparation", command=_option(
        ROWS, "Seed for the split only.", int, "the seed",
    )),
    Argument("duplicates", "warn", "preparation", fit=True, command=_option(
        ROWS, "Handling of duplicate rows: warn, drop, or together to keep all copies in one part.", str, "warn",
        words="creche.plan.words:DUPLICATES",
    )),
    Argument("validation_data", None, "held_out", with_folds=False, command=_option(
        ROWS, "File with validation rows.", Path, file=Input("validation table"),
    )),
    Argument("test_data", None, "held_out", with_folds=False, command=_option(
        ROWS, "File with test rows.", Path, file=Input("test table"),
    )),
    Argument("changes", None, "plan", with_folds=False, command=_option(
        TRAINING, "Change while training, after a number of steps: '200:learning_rate=0.001,batch_size=16'. Repeat for "
        "more changes.", list, flag="--change", parser="creche.cli.changes:parse_changes", metavar="STEP:NAME=VALUE",
    )),
    Argument("steps", None, "run", with_folds=False, command=_option(
        TRAINING, "Number of steps after which training stops, within an epoch or at its end.", int,
        "to the end of the last epoch",
    )),
    Argument("plan", None, "run"),
    Argument("processes", None, "run", with_folds=False, command=_option(
        TRAINING, "Number of processes that train the network together, for plans with shards.", int,
        "those that torchrun started",
    )),
    Argument("threads", None, "run", estimator=True, fit=True, command=_option(
        TRAINING, "Number of threads.", int, "all cores",
    )),
    Argument("device", None, "run", estimator=True, fit=True, command=_option(
        TRAINING, "Device that trains: cpu, cuda, cuda:1, mps, or auto, which chooses by the work.", str, "cpu",
        words="creche.plan.words:DEVICES",
    )),
    Argument("memory", None, "run", fit=True, command=_option(
        TABLE, "Memory for the table, such as 8GB: it is read and encoded in pieces, on disk, and may be larger.", str,
        "all of the table",
    )),
    Argument("cluster", None, "run", fit=True, command=_option(
        TRAINING, "Cluster of Ray that trains: auto, or the address of its head, host:port or ray://host:port.",
    )),
    Argument("on_epoch", None, "run", estimator=True),
    Argument("on_progress", None, "run"),
    Argument("checkpoint", None, "run", with_folds=False, command=_option(
        FILES, "Folder for checkpoints of the run while it trains.", Path,
        file=Output("checkpoint", patterns=CHECKPOINT_FILES),
    )),
    Argument("checkpoint_every", 10, "run", command=_option(
        FILES, "Epochs between checkpoints.", int, "10",
    )),
    Argument("resume", False, "run", with_folds=False, command=_option(
        FILES, "Continue from the latest checkpoint in that folder.", bool,
    )),
    Argument("record", None, "run"),
)  # fmt: skip

ARGUMENTS: Mapping[str, Argument] = MappingProxyType({argument.name: argument for argument in _ENTRIES})


def arguments_in(*groups: Group) -> tuple[str, ...]:
    """Return the names of the arguments in these groups, in the order of the table.

    Examples
    --------
    >>> arguments_in("optimizer")
    ('weight_decay', 'l1', 'momentum', 'clip_norm', 'clip_value')

    """
    return tuple(argument.name for argument in _ENTRIES if argument.group in groups)


OPTIMIZER_FIELDS = arguments_in("optimizer")
OF_LABEL = tuple(argument.name for argument in _ENTRIES if argument.of_label)
PER_LAYER = tuple(argument.name for argument in _ENTRIES if argument.per_layer)

# Those of the network as a whole, besides its hidden layers.
OF_NETWORK = ("submodels", "weight_sharing")
NUMBER_SCHEDULES = tuple(argument.name for argument in _ENTRIES if argument.name.endswith("_schedule"))
SWEEPABLE = tuple(argument.name for argument in _ENTRIES if argument.sweepable)
CHANGEABLE = tuple(argument.name for argument in _ENTRIES if argument.changeable)

# The arguments of `creche.train` that may be left out.
DEFAULTS: Mapping[str, Any] = MappingProxyType(
    {a.name: a.default for a in _ENTRIES if a.group != "optimizer" and a.default is not REQUIRED}
)

F = TypeVar("F", bound=Callable[..., Any])


def reject_unknown(function: F) -> F:
    """Make a function answer a keyword it does not have with an error that suggests the nearest right one.

    Examples
    --------
    >>> @reject_unknown
    ... def fit(*, epochs=100): ...
    >>> fit(epoch=5)
    Traceback (most recent call last):
    creche.errors.UnknownArgumentError: epoch: unknown argument of fit; did you mean 'epochs'? Choose one of epochs

    """
    parameters = inspect.signature(function).parameters.values()
    own = [p.name for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
    known, choices = frozenset(own), [name for name in own if name != "self"]

    @wraps(function)
    def checked(*args: Any, **keywords: Any) -> Any:
        if keywords and not keywords.keys() <= known:
            name = next(name for name in keywords if name not in known)
            owner = type(args[0]).__name__ if function.__name__ == "__init__" else function.__name__
            reason = explain_unknown(name, choices, SWEEPABLE if "effort" in known else ())
            raise UnknownArgumentError(f"{name}: unknown argument of {owner}; {reason}", argument=name)
        return function(*args, **keywords)

    return checked  # type: ignore[return-value]


def check_whole_number(name: str, value: object, at_least: int, at_most: int | None = None) -> int:
    """Return a value as an int.

    Raises
    ------
    PlanError
        If it is not a whole number, too small or too large.

    """
    if isinstance(value, bool) or not isinstance(value, Integral) or (number := int(value)) < at_least:
        raise PlanError(f"{name}: got {value!r}; needs a whole number of at least {at_least}", argument=name)
    if at_most is not None and number > at_most:
        raise PlanError(f"{name}: got {number:,}; needs a whole number of at most {at_most:,}", argument=name)
    return number
