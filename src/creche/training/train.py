"""Training one network on a table."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from creche._advice import advise
from creche._progress import OnProgress
from creche._system.output_files import Folder
from creche.errors import PlanError
from creche.plan.activations import Activation
from creche.plan.arguments import CHECKPOINT_FILES, check_whole_number, reject_unknown
from creche.plan.changes import Change
from creche.plan.embeddings import CategoryEmbedding, NumberEmbedding
from creche.plan.initializers import Initializer
from creche.plan.losses import Loss
from creche.plan.optimizers import Optimizer
from creche.plan.plan import EarlyStopping, Plan
from creche.plan.row_order import RowOrder
from creche.plan.schedules import Schedule
from creche.plan.words import (
    ActivationName,
    BiasInitializerName,
    ClassWeighting,
    DeviceName,
    Duplicates,
    InitializerName,
    KeptWeights,
    LossName,
    MissingLabel,
    Normalization,
    NumberEmbeddingName,
    OptimizerName,
    Precision,
    PreprocessingName,
    RecipeName,
    RecordedQuantity,
    Role,
    ScheduleName,
    SubmodelBatches,
    Task,
    WeightSharing,
)
from creche.table.encoders.features import Preprocessing
from creche.table.prepare import prepare
from creche.table.reading.options import ReadOptions
from creche.table.schema import Schema
from creche.training.arguments import (
    TrainArguments,
    create_run,
    resolve_arguments,
    resolve_loss,
    resolve_optimizer,
    resolve_preparation,
    resolve_record,
)
from creche.training.callbacks import OnEpoch
from creche.training.large_tables import memory_of, move_to_disk
from creche.training.processes import choose_crew
from creche.training.run import Run

if TYPE_CHECKING:
    from creche.scale.cluster import ClusterChoice
    from creche.training.recorder import Record

__all__ = ["train"]

# What only some runs need is imported where it is used: a run on the penguins takes less time than importing it.


@reject_unknown
def train(
    data: Any,
    y: Any = None,
    *,
    label: str | Sequence[str] | None = None,
    recipe: RecipeName | None = None,
    hidden: Sequence[int] = (32, 32),
    activation: Activation | ActivationName | Sequence[Activation | ActivationName] = "tanh",
    dropout: float | Sequence[float] = 0.0,
    initializer: Initializer | InitializerName | Sequence[Initializer | InitializerName] | None = None,
    bias_initializer: BiasInitializerName | Sequence[BiasInitializerName] = "zeros",
    normalization: Normalization | Sequence[Normalization | None] | None = None,
    parametric_activation: bool | Sequence[bool] = False,
    residual: bool | Sequence[bool] = False,
    scale_inputs: bool | Sequence[bool] = False,
    number_embedding: NumberEmbedding | NumberEmbeddingName | None = None,
    category_embedding: CategoryEmbedding | int | None = None,
    submodels: int = 1,
    weight_sharing: WeightSharing = "mini",
    loss: Loss | LossName | Callable[..., Any] | None = None,
    quantiles: Sequence[float] | None = None,
    ordered: bool = False,
    optimizer: Optimizer | OptimizerName = "adam",
    learning_rate: float | None = None,
    schedule: Schedule | ScheduleName = "constant",
    weight_decay_schedule: Schedule | ScheduleName = "constant",
    dropout_schedule: Schedule | ScheduleName = "constant",
    label_smoothing_schedule: Schedule | ScheduleName = "constant",
    batch_size: int = 32,
    drop_last: bool = False,
    submodel_batches: SubmodelBatches = "shared",
    shards: int = 1,
    epochs: int = 100,
    early_stopping: EarlyStopping | int | bool | None = None,
    keep: KeptWeights = "best",
    seed: int = 0,
    shuffle: RowOrder = True,
    task: Task | None = None,
    precision: Precision = "float32",
    plan: Plan | None = None,
    schema: Mapping[str, Role] | Schema | None = None,
    preprocessing: Preprocessing | Mapping[str, Any] | PreprocessingName | None = None,
    standardize: bool = True,
    validation_fraction: float = 0.3,
    test_fraction: float = 0.0,
    stratify: bool = True,
    group: str | None = None,
    time: str | None = None,
    split_column: str | None = None,
    split_seed: int | None = None,
    duplicates: Duplicates = "warn",
    missing_label: MissingLabel = "error",
    sample_weight: Any = None,
    class_weight: Mapping[Any, float] | ClassWeighting | None = None,
    classes: Sequence[Any] | Mapping[Any, str] | None = None,
    read_options: ReadOptions | Mapping[str, Any] | None = None,
    validation_data: Any = None,
    test_data: Any = None,
    changes: Sequence[Change | Mapping[str, Any]] | None = None,
    steps: int | None = None,
    processes: int | None = None,
    threads: int | None = None,
    device: DeviceName | None = None,
    memory: str | int | None = None,
    cluster: ClusterChoice | None = None,
    on_epoch: OnEpoch | Sequence[OnEpoch] | None = None,
    on_progress: OnProgress[Run] = None,
    checkpoint: str | Path | None = None,
    checkpoint_every: int = 10,
    resume: bool = False,
    record: Record | Mapping[str, Any] | RecordedQuantity | Sequence[RecordedQuantity] | bool | None = None,
) -> Run:
    """Train a network on a table.

    The same arguments on the same data give the same weights, bit for bit, on any number of threads. Words are taken
    in any case: ``optimizer="Adam"``.

    Parameters
    ----------
    data : file name, DataFrame or (n, d) array
        A file (CSV, Parquet, Arrow, JSON, Excel) or any DataFrame (with `label` or `y`), or the features as an array of
        numbers (with `y`). Several files of one table are given as a list of names, a pattern such as
        ``"parts/*.parquet"`` or their folder; a folder that `creche.encode` wrote is a table, too, and so is one in a
        database, by its address or as a `Database`.
    y : (n,) array, or (n, k) array of numbers or of yes and no, optional
        The labels, if `data` does not hold them: an array, list, Series or DataFrame. One column is the same as shape
        (n,). One-hot columns are classes, named as the columns of a DataFrame or numbered from 0, unless `task` is
        "multilabel" or "regression".
    label : str or sequence of str, optional
        The column to predict, or several columns to predict together, all numeric or all yes or no; the other columns
        are the features.
    recipe : {"plain", "realmlp", "realmlp-s", "tabm-mini"}, optional
        Network, optimizer, schedule and preprocessing by a name (see `creche.describe_recipe`); the learning rate, the
        batch size, the number of epochs and what the recipe leaves open can be given besides.
    hidden : sequence of int, default (32, 32)
        Widths of the hidden layers; empty for none.
    activation : Activation, str or a sequence with one for each hidden layer, default "tanh"
        Activation of the hidden layers: a word, or an object such as ``LeakyRelu(0.02)``.
    dropout : float or a sequence with one for each hidden layer, default 0
        Share of the hidden layers' activations dropped at random in a training step, from 0 to below 1.
    initializer : Initializer, str or a sequence with one for each layer, the output layer included, optional
        Distribution of the initial weights. By default, the one that suits each layer's activation.
    bias_initializer : {"zeros", "normal", "uniform", "sampled"} or a sequence with one for each layer, default "zeros"
        The initial biases; "sampled" draws them so that activations bend where the rows are: see `Layer`.
    normalization : {"layer", "batch", "none"} or a sequence with one for each hidden layer, optional
        What the weighted sums are normalized over before the activation: "layer", the neurons of a layer in each row;
        "batch", the rows of a batch for each neuron, and otherwise its running mean and variance.
    parametric_activation : bool or a sequence with one for each hidden layer, default False
        Whether each neuron learns how much its activation bends.
    residual : bool or a sequence with one for each hidden layer, default False
        Whether the inputs of a layer are added to its outputs; True for all hidden layers with as many neurons as
        inputs.
    scale_inputs : bool or a sequence with one for each layer, the output layer included, default False
        Whether each input has a learned factor; True for the first layer.
    number_embedding : PeriodicEmbedding, LinearEmbedding or str, optional
        How each number becomes several inputs of the first layer: "periodic", by cosines of learned frequencies; or
        "linear", by learned combinations of the number and its bins (see `Preprocessing`). By default it is one input.
    category_embedding : CategoryEmbedding or int, optional
        The length of the learned vector of each category, of columns with more than eight categories; by default each
        category has an input of its own.
    submodels : int, default 1
        How many networks share weights, and are trained and predict as one (Gorishniy, Kotelnikov & Babenko 2024,
        "TabM"). Training minimizes the mean of their losses; the prediction, and all that is evaluated, is the mean of
        their probabilities, or numbers. Not with a custom loss.
    weight_sharing : {"mini", "full"}, default "mini"
        What several submodels share. Each has an output layer of its own and a learned factor for each input; with
        "full" (Wen, Tran & Ba 2020, "BatchEnsemble") also factors for the inputs and outputs of each hidden layer, and
        biases.
    loss : Loss, str or function, optional
        What training minimizes; by default "cross_entropy" for classification and "squared_error" for regression. A
        function takes (outputs, labels) and returns (losses, gradient): see `CustomLoss`.
    quantiles : sequence of float, optional
        Short for ``loss=Quantile([0.05, 0.5, 0.95])``: predict these quantiles of each label that is a number,
        in ascending order; the outermost are the ends of an interval.
    ordered : bool, default False
        Short for ``loss=BinaryCrossEntropy(ordered=True)``: the classes are in an order, that of `classes` or that of
        whole numbers, and the network learns which are above which.
    optimizer : Optimizer or str, default "adam"
        The update rule.
    learning_rate : float, optional
        Step size; by default the optimizer's own.
    schedule : Schedule or str, default "constant"
        How the learning rate changes during training.
    weight_decay_schedule, dropout_schedule, label_smoothing_schedule : Schedule or str, default "constant"
        How the optimizer's weight decay, the layers' dropout and the loss's label smoothing change during training, as
        factors of their values: "flat_cosine" lets them vanish in the second half. Validation losses always have the
        full label smoothing.
    batch_size : int, default 32
        Rows per step.
    drop_last : bool, default False
        Whether an epoch leaves out the rows of a last batch that is not full; a single batch is always kept.
    submodel_batches : {"shared", "own"}, default "shared"
        Which rows several submodels learn from in a step: "shared", all the same batch; or "own", each a batch of its
        own of the epoch's order, begun at another place, so that a step takes as many batches as there are submodels.
        Not with `Windows` or rows in a file.
    shards : int, default 1
        Parts of each batch whose gradients are summed each for itself, and then added in their order, which changes the
        last bits. Processes that train a network together take the shards among them.
    epochs : int, default 100
        Passes over the training rows.
    early_stopping : EarlyStopping, int or bool, optional
        When to stop before the last epoch: True, the number of epochs without improvement to wait, or an
        `EarlyStopping`, which may watch any metric. By default training stops early where there are validation rows,
        when their loss has not improved for a tenth of the epochs (at least 5); False is for never.
    keep : {"best", "last"}, default "best"
        With which weights training ends: those of the epoch with the lowest validation loss, or the best value of what
        early stopping watches; or those of the last epoch. Without validation rows and early stopping, it is the last.
    seed : int, default 0
        Seed for the split, the initial weights, the order of rows and dropout.
    shuffle : bool or Windows, default True
        Whether each epoch goes through the rows in a new order. With `Windows`, blocks of neighboring rows are
        shuffled, and the rows of some blocks at a time.
    task : {"classification", "regression", "multilabel"}, optional
        By default classification if the label holds words or yes/no; for whole numbers (also 0.0 and 1.0) it depends on
        how many there are, where they lie and how many rows each has: 0 and 1 or the digits 0 to 9 are classes, ages
        and years are numbers, and a warning tells of an uncertain guess. Other numbers are a regression. Several labels
        of yes or no are multi-label.
    precision : {"float32", "float64", "tf32", "bfloat16"}, default "float32"
        The type of weights and inputs. With "bfloat16" and, on GPUs, "tf32" they are of float32, and what the products
        of layers multiply in training is rounded: faster where the device has instructions for it.
    plan : Plan, optional
        Another run's plan, or one from a file, in place of all arguments from `hidden` to `precision`.
    schema : dict of column to role, optional
        Roles of columns (numeric, categorical, boolean, datetime, text, identifier or ignore) that are not to be
        inferred.
    preprocessing : Preprocessing, dict or str, optional
        How columns become inputs; "standard", "robust", "quantile" or "none" is how numbers are scaled, "realmlp" and
        "piecewise_linear" are encodings of all columns (see `creche.Preprocessing`). By default "auto": below 500
        training rows "standard", from there on robust scaling, the smooth clip and piecewise-linear codes.
    standardize : bool, default True
        False is short for ``preprocessing="none"``: numbers stay as they are.
    validation_fraction : float, default 0.3
        Share of rows held out for validation; 0 for none.
    test_fraction : float, default 0
        Share of rows held out for testing, which have no part in training at all.
    stratify : bool, default True
        Whether the same share of each class is held out.
    group, time, split_column : str, optional
        A column to split by: rows with equal values of `group` stay in one part; the latest rows by `time` are held
        out; `split_column` holds train, validation or test.
    split_seed : int, optional
        Seed for the split only; by default `seed`.
    duplicates : {"warn", "drop", "together"}, default "warn"
        What to do with copies of rows: warn if they lie in different parts of the split, keep one of each, or keep all
        copies of a row in one part.
    missing_label : {"error", "drop"}, default "error"
        What to do with rows whose label is missing.
    sample_weight : (n,) array or name of a column, optional
        Weight of each row; rows of weight 0 are left out.
    class_weight : dict or "balanced", optional
        Weight of the training rows of each class.
    classes : sequence, or dict from label value to name, optional
        All classes in the order of the outputs; sorted by default. A dict also names them: ``{0: "Adelie", 1:
        "Gentoo"}`` for a label of numbers.
    read_options : ReadOptions or dict, optional
        How a file is written (separator, text encoding, …), if that is not to be detected.
    validation_data, test_data : table or pair (X, y), optional
        Rows for validation and testing, in place of a share of `data`.
    changes : sequence of Change, optional
        What changes while the network trains: ``[Change(200, learning_rate=0.001)]`` lowers the rate after 200 steps.
        See also `Run.change`.
    steps : int, optional
        Stop after this many steps, even within an epoch; by default, at the end of the plan.
    processes : int, optional
        How many processes train the network together, each with as many of the `shards` as the others; the bits do not
        depend on it. They are started for the time of training, on this machine, whose threads they share, or on a
        `cluster`. By default those that ``torchrun`` started together, if there are several shards, and otherwise this
        one alone.
    threads : int, optional
        Number of threads; by default ``CRECHE_NUM_THREADS``, or else the cores this process may use.
    device : str, optional
        What trains: "cpu", "cuda", "cuda:1" or another number, "mps", or "auto", which chooses by the work; by default
        ``CRECHE_DEVICE``, or else "cpu". A GPU that this machine lacks is an error, and is never replaced.
    memory : str or int, optional
        How much memory the table may take, such as "8GB": it is read in pieces, encoded on disk and trained on in
        windows of its rows, so that it may be larger. `shuffle=True` then stands for `Windows()`; the same table in
        memory, with `shuffle=Windows()`, gives the same bits. By default the table is held in memory.
    cluster : str, Cluster or executor, optional
        Where the `processes` besides this one are started: a cluster of Ray ("auto", ``"host:6379"``,
        ``"ray://host:10001"`` or a `Cluster`), or an executor of concurrent.futures, Dask or submitit. On Ray,
        training goes on when one of them is lost.
    on_epoch : function or sequence of functions, optional
        Called with an `EpochRecord` after each epoch; training stops when one returns True.
    on_progress : callable or bool, optional
        By default, a bar in notebooks and terminals when it takes longer than half a second; False for none. A function
        is called with the run about twenty times a second.
    checkpoint : folder, optional
        Where the state of the run is kept, so that it can be resumed.
    checkpoint_every : int, default 10
        Epochs between two checkpoints.
    resume : bool, default False
        Continue from the latest checkpoint in the folder, if there is one. A recording then begins there, because
        checkpoints keep none.
    record : Record, str, sequence of str or bool, optional
        What to keep in the run's `recording`: "weights", "gradients", "activations", or True for all three.

    Returns
    -------
    Run
        The trained run, with its `history` and `model`.

    Raises
    ------
    TableError
        If the table cannot be trained on.
    PlanError
        If an argument is invalid; an unknown one is an `UnknownArgumentError`.
    FileError
        If a file cannot be read or written.
    DivergedError
        If the loss is no longer finite.
    ProcessError
        If one of several processes ends or fails; the exception's `run` is the run, which can be resumed.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((200, 2))
    >>> run = train(X, X[:, 0] * X[:, 1] > 0, hidden=[16], epochs=60, learning_rate=0.01, threads=1)
    >>> bool(run.history.validation_metric[-1] > 0.85)
    True

    A plan can be saved as text, and carried out again:

    >>> again = train(X, X[:, 0] * X[:, 1] > 0, plan=Plan.from_json(run.plan.to_json()), threads=1)
    >>> bool((again.model.weights[0][0] == run.model.weights[0][0]).all())
    True

    """
    arguments = resolve_arguments(TrainArguments(**locals()))
    if resume and checkpoint is None:
        raise PlanError(
            f"resume: there is no checkpoint to continue from; give its folder as {advise('checkpoint')}",
            argument="resume",
        )
    shards = check_whole_number("shards", arguments.shards, at_least=1) if plan is None else plan.shards
    # Checked before the table is read, which may take long.
    crew = choose_crew(processes, shards, cluster, device)
    sources = {"data": data, "validation_data": validation_data, "test_data": test_data}
    if checkpoint is not None:
        from creche.training.checkpoint import check_inputs_kept, create_writer

        check_inputs_kept("checkpoint", Folder(checkpoint, CHECKPOINT_FILES), sources)
    arguments = move_to_disk(arguments)
    preparation, chosen_loss, _ = (
        resolve_preparation(arguments), resolve_loss(arguments), resolve_optimizer(arguments),
    )  # fmt: skip
    resolve_record(record)
    prepared = prepare(
        arguments.data, y, preparation, task=arguments.chosen_task, loss=chosen_loss,
        seed=check_whole_number("seed", arguments.seed, at_least=0), validation_data=validation_data,
        test_data=test_data, weights=arguments.row_weights,
    )  # fmt: skip
    last_step = None if steps is None else check_whole_number("steps", steps, at_least=0)
    run = create_run(arguments, prepared, crew=crew)
    writer = None
    if checkpoint is not None and run.crew.is_first:
        writer = create_writer(run, checkpoint, checkpoint_every, resume, sources, memory_of(arguments))
    left = None if last_step is None else max(0, last_step - run.step)
    return run.resume(steps=left, on_epoch=on_epoch, on_progress=on_progress, checkpoints=writer)
