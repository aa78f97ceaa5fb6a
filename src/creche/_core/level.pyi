"""The compiled engine of one instruction-set level (creche._core._x86_64_v3, _x86_64_v4, _neon): numbers only.

`creche.engine.native` validates a plan, translates it and calls this. tests/engine/test_stub.py compares these
declarations with the compiled module.
"""

from collections.abc import Callable
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

# Plain structs with the attributes of core/plan.hpp, which can be read and set. Enumerators are given by name; an
# unknown name raises ValueError.
class GroupPlan:
    learning_rate: float
    epsilon: float
    weight_decay: float
    l1: float
    clip_value: float

class LayerPlan:
    def __init__(self) -> None: ...
    width: int
    activation: str
    activation_parameter: float
    dropout: float
    initializer: str
    initializer_parameter: float
    bias_initializer: str
    scale_inputs: bool
    normalization: str
    parametric_activation: bool
    residual: bool
    sharing: str  # what submodels share: "all", "all_but_scale", "matrix", "none"
    weights: GroupPlan  # a reference, as are the others
    biases: GroupPlan
    scale: GroupPlan
    slopes: GroupPlan
    gains: GroupPlan

class EmbeddingPlan:
    def __init__(self) -> None: ...
    kind: str
    columns: list[int]  # assign a whole list, as of the sizes
    sizes: list[int]
    width: int
    frequencies: int
    deviation: float
    parameters: GroupPlan

class LossPlan:
    kind: str
    label_smoothing: float
    delta: float
    quantiles: list[float]

class OptimizerPlan:
    kind: str
    learning_rate: float
    momentum: float
    dampening: float
    nesterov: bool
    beta1: float
    beta2: float
    rho: float
    epsilon: float
    learning_rate_decay: float
    initial_accumulator: float
    centered: bool
    amsgrad: bool
    history: int
    weight_decay: float
    decoupled: bool
    l1: float
    regularize_bias: bool
    clip_norm: float
    clip_value: float

class SchedulePlan:
    kind: str
    per_step: bool
    length: float
    factor: float
    minimum: float
    cycles: float
    peak_at: float
    start: float
    finish: float
    patience: float
    threshold: float
    warmup: float
    warmup_start: float

class EarlyStoppingPlan:
    patience: int
    min_delta: float
    restore_best: bool

class WindowsPlan:
    def __init__(self) -> None: ...
    block: int  # rows; 0: all rows are shuffled together
    window: int  # blocks

class StoredTable:
    """Rows in a file, as `creche.engine.stored_rows.StoredRows` describes them."""

    def __init__(
        self,
        path: str,
        offset: int,
        count: int,
        inputs: int,
        targets: int,
        weighted: bool,
        size: int,
        changed_at: int,
        direct: bool = False,
    ) -> None: ...
    def training_memory(self, plan: Plan) -> int:
        """The bytes of the windows in memory that training reads ahead."""
    @property
    def streaming_memory(self) -> int: ...  # of an evaluation, in bytes

class StoredFeed:
    """Training rows of a file in the order of a plan, read ahead, for another engine."""

    def __init__(self, plan: Plan, table: StoredTable) -> None: ...
    def take(
        self, epoch: int, begin: int, count: int
    ) -> tuple[NDArray[np.float32], NDArray[np.int32] | None, NDArray[np.float32] | None, NDArray[np.float32] | None]:
        """Copies of x, classes, targets and weights of the rows at positions of an epoch from `begin` on."""
    def release(self) -> None:
        """Give back memory, threads and the open file until rows are taken again."""
    @property
    def seconds_waited(self) -> float: ...

class Plan:
    def __init__(self) -> None: ...
    inputs: int
    submodels: int
    submodel_start: str  # "signs" or "normal"
    input_features: list[int]  # the feature that each input stems from; empty: each its own
    embeddings: list[EmbeddingPlan]
    layers: list[LayerPlan]  # assign a whole list; reading gives copies
    loss: LossPlan  # a reference, as are optimizer, the schedules and early_stopping: plan.loss.kind = "huber" works
    optimizer: OptimizerPlan
    schedule: SchedulePlan
    weight_decay_schedule: SchedulePlan
    dropout_schedule: SchedulePlan
    label_smoothing_schedule: SchedulePlan
    early_stopping: EarlyStoppingPlan
    batch_size: int
    shards: int  # of each batch: runs of rows whose gradients are summed each for itself
    drop_last: bool
    own_batches: bool
    rounds_products: bool
    epochs: int
    seed: int
    shuffle: bool
    windows: WindowsPlan  # with shuffle
    def with_seed(self, seed: int) -> Plan:
        """A copy with another seed."""

def parameter_shapes(plan: Plan) -> dict[str, tuple[int, ...]]:
    """The names of a network's parameters and the shapes of their arrays, in the order of files."""

# Parameters of a network, and gradients by them, are a dict of arrays with these names and shapes, in this order.
#
# Arrays: x (n, d) of the class's dtype, contiguous along its rows (which may be a stride apart); classes (n,) int32 for
# the class losses, targets (n, d_out) of the dtype for the others (exactly one of the two, None for the other); weights
# (n,) of the dtype or None. Arrays are kept alive and read in place, never copied.
class Solo32:
    """One network in training, float32. Solo64 is the same in float64."""

    def __init__(
        self,
        plan: Plan,
        x: NDArray[Any],
        classes: NDArray[np.int32] | None,
        targets: NDArray[Any] | None,
        weights: NDArray[Any] | None = None,
        validation: tuple[NDArray[Any], NDArray[np.int32] | None, NDArray[Any] | None, NDArray[Any] | None]
        | None = None,
        threads: int = 1,
        loss: Callable[[NDArray[Any], NDArray[Any]], tuple[NDArray[Any], NDArray[Any]]] | None = None,
    ) -> None:
        """loss, if given, replaces the plan's: it receives outputs (m, d_out) and labels of a batch and returns losses
        (m,) and gradient (m, d_out), C-contiguous, of the dtype. The plan's kind of loss then determines only the head
        and the metric.
        """
    def run(
        self,
        steps: int = -1,
        epochs: int = -1,
        seconds: float = -1.0,
        poll: Callable[[], bool] | None = None,
    ) -> str:
        """Continue training, without the GIL, to the end of the plan or for these steps, epochs or seconds (-1: no
        limit).

        poll is called (with the GIL) on the calling thread at most every 50 ms. True or an exception stops the run
        between two steps (or abandons a long step before any weight has changed); an exception is raised again.
        Returns "running" (a limit was reached), "finished" (all epochs), "early_stopped", "interrupted" (by poll)
        or "diverged" (see `divergence`; the weights are the last finite ones).
        """
    def release_rows(self) -> None:
        """Give back memory, threads and open files with which rows in a file are read, until the run goes on."""
    # The position of the run.
    epoch: int  # completed epochs
    step: int  # completed steps (updates)
    batch_in_epoch: int  # completed steps of the current epoch
    learning_rate: float  # of the next step
    label_smoothing: float  # likewise
    seconds_waited: float  # for rows of a file
    divergence: tuple[int, int, float] | None  # epoch (from 0), batch in it (from 0), learning rate
    best_epoch: int  # epoch (from 0) with the lowest monitored loss; -1 before the first
    def history(self, first: int = 0) -> dict[str, NDArray[np.float64]]:
        """One number per completed epoch from epoch `first` on, counted from 0: train_loss, train_metric,
        validation_loss, validation_metric (NaN without validation), learning_rate (of the epoch's first step), seconds.
        train_* are means over the epoch's batches, each computed before its update. The metric is accuracy for class
        losses and binary_cross_entropy, else root mean squared error.
        """
    def parameters(self) -> dict[str, NDArray[Any]]:
        """Copies of all parameters."""
    def set_parameters(self, parameters: dict[str, NDArray[Any]]) -> None:
        """Raises ValueError that names an array if one is missing, unknown or of another shape."""
    def state(self) -> dict[str, NDArray[Any]]:
        """Everything that determines how training continues, as named arrays (weights, optimizer planes, counters,
        history, best weights). set_state(state()) on a new Solo of the same plan and data continues to the same bytes.
        """
    def set_state(self, state: dict[str, NDArray[Any]]) -> None: ...
    def join(
        self,
        rank: int,
        count: int,
        exchange: Callable[[int, list[NDArray[Any]], list[tuple[float, float]], NDArray[Any]], tuple[int, float, float]]
        | None = None,
    ) -> None:
        """Take the next steps together with other processes in the same state, or (count 1) alone.

        exchange is called (with the GIL) in each step, on the thread that runs: with how the step ends here (0
        complete, 1 a loss is not finite, 2 stopped), the gradient and the (loss, metric) sums of each shard of this
        process that has rows, and the array for the sum of all shards' gradients. It returns how the step ends on all
        processes, the worst of it, and the sums of the batch. The arrays are valid during the call only.
        """
    def evaluate(
        self,
        x: NDArray[Any],
        classes: NDArray[np.int32] | None,
        targets: NDArray[Any] | None,
        weights: NDArray[Any] | None = None,
    ) -> tuple[float, float]:
        """(loss, metric) of the current weights, without dropout."""
    def gradients(
        self,
        x: NDArray[Any],
        classes: NDArray[np.int32] | None,
        targets: NDArray[Any] | None,
        weights: NDArray[Any] | None = None,
    ) -> tuple[float, dict[str, NDArray[Any]]]:
        """The loss of these rows as one batch, without dropout, and its gradient by each parameter."""
    def introspect(
        self,
        x: NDArray[Any],
        classes: NDArray[np.int32] | None,
        targets: NDArray[Any] | None,
        weights: NDArray[Any] | None = None,
        as_step: bool = False,
    ) -> tuple[
        list[NDArray[Any]],
        list[NDArray[Any]],
        list[NDArray[Any]],
        NDArray[Any],
        float,
        dict[str, NDArray[Any]],
        dict[str, NDArray[Any]],
    ]:
        """The intermediate results of `gradients`: the weighted sums z, the activations f(z) and the gradient of the
        batch's loss with respect to z of each layer, each (n, width); the loss of each row (n,); loss and gradients;
        and the parameters with which a prediction gives these activations. With as_step, batch normalization takes the
        statistics of the rows, as a training step does, rather than the running ones.
        """

class Solo64(Solo32): ...

class Colony32:
    """Many networks in training at once, float32; Colony64 is the same in float64. Each member ends with the same bytes
    as a Solo with its plan and tables.
    """

    def __init__(
        self,
        members: list[tuple[Plan, int, int]],
        tables: list[tuple[NDArray[Any], NDArray[np.int32] | None, NDArray[Any] | None, NDArray[Any] | None]],
        threads: int = 1,
    ) -> None:
        """members: a plan, and the indices of the tables for training and validation (-1: no validation)."""
    @staticmethod
    def of_columns(
        plans: list[Plan],
        plan: NDArray[np.int32],
        seed: NDArray[np.uint64],
        numbers: dict[str, NDArray[np.float64]],
        train: NDArray[np.int32],
        validation: NDArray[np.int32],
        tables: list[tuple[NDArray[Any], NDArray[np.int32] | None, NDArray[Any] | None, NDArray[Any] | None]],
        threads: int = 1,
    ) -> Colony32:
        """Many members as columns, an entry for each: the number of its plan, its seed, the indices of its tables, and
        the numbers of the optimizer, by name, that take the place of the plan's (NaN where those stay).
        """
    def __len__(self) -> int: ...
    def outcomes(self) -> dict[str, NDArray[Any]]:
        """How all members are doing, an entry for each: status (0 running, 1 finished, 2 early_stopped, 4 diverged),
        epoch (completed ones), kept_epoch (whose weights it has, counted from 1), train_loss, train_metric,
        validation_loss and validation_metric in that epoch, and divergence (epoch, batch, learning rate; NaN for
        others).
        """
    packed: int  # number of members that share registers with others; the rest are trained one by one
    def is_packed(self, member: int) -> bool: ...
    def run(self, epoch: int = -1, seconds: float = -1.0, poll: Callable[[], bool] | None = None) -> str:
        """Train each member until it has completed `epoch` epochs (-1: all of them), otherwise as Solo.run. Returns
        "running", "finished" (every member has ended, for whatever reason) or "interrupted".
        """
    # The same as in Solo, for one member.
    def status(self, member: int) -> str: ...
    def position(self, member: int) -> tuple[int, int]:
        """Completed epochs, and completed steps of the current epoch."""
    def parameters(self, member: int) -> dict[str, NDArray[Any]]: ...
    def history(self, member: int) -> dict[str, NDArray[np.float64]]: ...
    def state(self, member: int) -> dict[str, NDArray[Any]]: ...
    def set_state(self, member: int, state: dict[str, NDArray[Any]]) -> None:
        """Before the next run, all active members need states at the same step."""
    def divergence(self, member: int) -> tuple[int, int, float] | None: ...

class Colony64(Colony32): ...

def reason_against_warp(plan: Plan, rows: int) -> str:
    """Why no kernel of a GPU can train a network on this number of rows; empty if one can."""

class DeviceColony:
    """Networks of one shape and loss for a kernel of a GPU, float32: their arrays, as bytes that are copied to a device
    and back, and what they come from and become. It launches nothing itself.
    """

    def __init__(
        self,
        members: list[tuple[Plan, int, int]],
        tables: list[tuple[NDArray[Any], NDArray[np.int32] | None, NDArray[Any] | None, NDArray[Any] | None]],
    ) -> None:
        """As Colony32. Raises ValueError if a kernel cannot train one of the members, or if they differ in shape."""
    def __len__(self) -> int: ...
    widths: list[int]  # of the inputs and of each layer
    order_rows: int  # the most training rows that are shuffled; each takes two bytes of an order
    bytes_of_record: int  # of one epoch
    def bytes_of_warp(self, keeps_order: bool) -> int:
        """The memory of a warp that trains one member, with or without the order of its rows."""
    def plans(self, tables: list[tuple[int, int, int, int]]) -> bytes:
        """What a kernel knows of the members; tables: addresses of x, classes, targets, weights (0: none), whose rows
        follow each other without gaps.
        """
    def argument(self, addresses: dict[str, int], until_epoch: int, epochs: int) -> bytes:
        """The argument of a launch of at most `epochs` epochs; addresses: of plans, records, the arrays, and of orders,
        unless the memory of the warps has them.
        """
    def arrays(self) -> dict[str, NDArray[np.uint8]]:
        """Views of the arrays that a launch reads and writes: progress, status, weights, planes, best."""
    def add_records(self, records: NDArray[np.uint8], epochs: int, seconds: float) -> None:
        """Add the records of a launch, once `arrays` has its progress; each epoch has taken `seconds`."""
    # The same as in Colony32. A member that has "diverged" is as it was when the epoch began in which a number was not
    # finite.
    def status(self, member: int) -> str: ...
    def position(self, member: int) -> tuple[int, int]: ...
    def parameters(self, member: int) -> dict[str, NDArray[Any]]: ...
    def history(self, member: int) -> dict[str, NDArray[np.float64]]: ...
    def state(self, member: int) -> dict[str, NDArray[Any]]: ...
    def set_state(self, member: int, state: dict[str, NDArray[Any]]) -> None: ...

class Predictor32:
    """A trained network that only predicts. Predictor64 is the same in float64."""

    def __init__(self, plan: Plan, parameters: dict[str, NDArray[Any]], threads: int = 1) -> None: ...
    def outputs(self, x: NDArray[Any]) -> NDArray[Any]:
        """(n, d_out) weighted sums of the output layer, before the head."""
    def predict(self, x: NDArray[Any]) -> NDArray[Any]:
        """(n, d_out) after the loss's head: softmax for cross_entropy and squared_error_of_classes, sigmoid for
        binary_cross_entropy, exp for poisson, `outputs` for the others.
        """
    def evaluate(
        self,
        x: NDArray[Any],
        classes: NDArray[np.int32] | None,
        targets: NDArray[Any] | None,
        weights: NDArray[Any] | None = None,
    ) -> tuple[float, float]: ...
    def layer_outputs(self, x: NDArray[Any], layer: int, submodel: int = 0) -> NDArray[Any]:
        """(n, width) activations of layer `layer`, counted from 0; for the output layer the same as `outputs`.

        Of several submodels, those of one.
        """
    def input_gradients(self, x: NDArray[Any], directions: NDArray[Any]) -> NDArray[Any]:
        """(n, d) gradient, with respect to x, of the sum of `outputs` times directions (n, d_out, C-contiguous)."""

class Predictor64(Predictor32): ...

class ManyPredictor32:
    """Networks of one shape that only predict, one per lane. Each predicts, to the bit, the same as a Predictor32.
    ManyPredictor64 is the same in float64.
    """

    def __init__(self, plan: Plan, parameters: dict[str, NDArray[Any]], threads: int = 1) -> None:
        """parameters: as those of one network, each array with the networks first, C-contiguous."""
    def outputs(self, x: NDArray[Any]) -> NDArray[Any]:
        """(networks, n, d_out) weighted sums of the output layer."""
    def predict(self, x: NDArray[Any]) -> NDArray[Any]:
        """(networks, n, d_out) after the loss's head."""
    def mean(self, x: NDArray[Any], shares: NDArray[np.float64]) -> NDArray[np.float64]:
        """(n, d_out) float64: the sum of each network's prediction times its share, in the order of the networks."""
    def evaluate(
        self,
        x: NDArray[Any],
        classes: NDArray[np.int32] | None,
        targets: NDArray[Any] | None,
        weights: NDArray[Any] | None = None,
    ) -> NDArray[np.float64]:
        """(networks, 2) loss and metric of each network."""

class ManyPredictor64(ManyPredictor32): ...

def new_solo_from_file(
    plan: Plan,
    train: StoredTable,
    stored_validation: StoredTable | None = None,
    validation: tuple[NDArray[Any], NDArray[np.int32] | None, NDArray[Any] | None, NDArray[Any] | None] | None = None,
    threads: int = 1,
    loss: Callable[[NDArray[Any], NDArray[Any]], tuple[NDArray[Any], NDArray[Any]]] | None = None,
) -> Solo32:
    """A run whose training rows are in a file, and perhaps its validation rows; with the bits of the rows in memory.

    It is not shuffled, or by windows. A file that cannot be read raises creche.errors.FileError, here and in `run`.
    """

def evaluate_file(solo: Solo32, table: StoredTable) -> tuple[float, float]:
    """Loss and metric of the current network on rows in a file, without dropout."""

def epoch_order(plan: Plan, epoch: int, rows: int) -> NDArray[np.int64]:
    """(rows,) positions of the rows in the order of an epoch (from 0); of the plan seed, shuffle and windows matter."""

@overload
def initial_parameters(plan: Plan, x: NDArray[np.float32]) -> dict[str, NDArray[Any]]: ...
@overload
def initial_parameters(plan: Plan, x: NDArray[np.float64]) -> dict[str, NDArray[Any]]:
    """The parameters with which a Solo of this plan begins that trains on the rows x (n, d), in their dtype."""

class RunNumbers:
    """The numbers of a run whose arrays another engine keeps: progress, coefficients of its steps, decisions, history.

    They are those of a Solo with this plan and as many rows.
    """

    def __init__(self, plan: Plan, rows: int) -> None: ...
    planes: list[float]  # the numbers with which the planes of the optimizer's state begin
    # Of each array of parameters that learns: the first group that has its coefficients, and its own group.
    groups: dict[str, tuple[int, int]]
    batches: int  # of an epoch
    # As in Solo.
    epoch: int
    step: int
    batch_in_epoch: int
    best_epoch: int
    early_stopped: bool
    learning_rate: float
    label_smoothing: float
    scalars: tuple[float, float, float, float]  # the optimizer's, after the last step; can be set
    def steps(self, count: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """(count, groups, 12) numbers and (count, 2) factors of dropout and label smoothing of the next steps, which
        are of one epoch.

        The numbers are the coefficients of core/optimizers/coefficients.hpp in their order, then clip_value,
        weight_decay, l1 and shrink of core/optimizers/regularize.hpp.
        """
    def count_step(self, loss_sum: float, weight_sum: float, metric_sum: float) -> None:
        """Complete the next step; the sums are over its rows."""
    def add_seconds(self, seconds: float) -> None:
        """Add to the time that the epoch has taken."""
    def finish_epoch(self, validation: tuple[float, float] | None) -> bool:
        """Record the epoch, with loss and metric of the validation rows. Returns whether it is the best so far."""
    def history(self, first: int = 0) -> dict[str, NDArray[np.float64]]: ...
    def state(self) -> dict[str, NDArray[np.float64]]:
        """`progress` and `history.*` of the state of a Solo."""
    def set_state(self, state: dict[str, NDArray[Any]]) -> None:
        """Take these from a state; ValueError if they are missing or of the wrong size."""

class RowSampler:
    """Draws rows with replacement, as `numpy.random.Generator(PCG64(...)).integers` does."""

    def __init__(self, state_high: int, state_low: int, increment_high: int, increment_low: int) -> None: ...
    def draw(self, rows: int, lanes: int) -> NDArray[np.uint8]:
        """(rows, lanes) how often each row comes up in as many draws as there are rows, for one lane after another."""

@overload
def weighted_sums(
    weights: NDArray[np.float64],
    groups: NDArray[np.int32],
    values: NDArray[np.float64] | None,
    count: int,
) -> NDArray[np.float64]: ...
@overload
def weighted_sums(
    weights: NDArray[np.uint8],
    groups: NDArray[np.int32],
    values: NDArray[np.float64] | None,
    count: int,
) -> NDArray[np.float64]:
    """(count, lanes) sums of the values of each group's rows under (rows, lanes) weights, from the first row on.

    Without values, they are 1.
    """

@overload
def areas(
    weights: NDArray[np.float64],
    order: NDArray[np.int32],
    positive: NDArray[np.bool_],
    ends_tie: NDArray[np.bool_],
) -> NDArray[np.float64]: ...
@overload
def areas(
    weights: NDArray[np.uint8],
    order: NDArray[np.int32],
    positive: NDArray[np.bool_],
    ends_tie: NDArray[np.bool_],
) -> NDArray[np.float64]:
    """(lanes,) areas under the ROC curve for (rows, lanes) weights; NaN where there is no positive or no negative row.

    `order` has the rows by their scores, and the flags of each position tell whether its row is positive and whether
    the next one has another score.
    """

def memory(plan: Plan, rows: int, itemsize: int) -> int:
    """Bytes that training this plan needs in addition to the tables."""

def fma_peak(seconds: float = 0.2, threads: int = 1) -> float:
    """GFLOP/s of fused multiply-adds in registers alone: an upper bound for every matrix product."""

def product_rates(
    batch_size: int, inputs: int, outputs: int, seconds: float = 0.2, rounds_products: bool = False
) -> tuple[float, float, float]:
    """GFLOP/s of a layer's three products on one thread: forward, gradient of inputs, gradient of weights.

    With `rounds_products` their operands are rounded to bfloat16.
    """

def has_bfloat16_instruction() -> bool:
    """Whether an instruction for sums of products of bfloat16 gives the engine's bits here, and is faster."""
