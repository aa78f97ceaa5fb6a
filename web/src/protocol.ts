// Made by tools/studio_protocol.py from src/creche/studio/protocol: change it there.

/** An array of a frame: its numbers in row-major order, and its shape. */
export interface Tensor<T> {
  readonly shape: readonly number[];
  readonly data: T;
}

export const VERSION = 1;

/** A remark about a table, a column or a run.
 *
 * `severity` is how much it matters; `remedy` is what to do, and may be empty. `role` is the role of `column` that
 * would remedy it, if one does.
 */
export interface Finding {
  readonly severity: "note" | "warning" | "error";
  readonly text: string;
  readonly remedy: string;
  readonly column: string | null;
  readonly role: "numeric" | "categorical" | "boolean" | "datetime" | "text" | "identifier" | "ignore" | null;
}

/** A column of the table.
 *
 * `bars` are the counts of its histogram (numbers and dates: up to 20 intervals of equal width; others: the most
 * frequent values), `bar_labels` names each bar. `inferred` is the role that the data suggest, `role` the role in use.
 */
export interface Column {
  readonly name: string;
  readonly role: "numeric" | "categorical" | "boolean" | "datetime" | "text" | "identifier" | "ignore";
  readonly inferred: "numeric" | "categorical" | "boolean" | "datetime" | "text" | "identifier" | "ignore";
  readonly missing: number;
  readonly distinct: number;
  readonly bars: readonly number[];
  readonly bar_labels: readonly string[];
  readonly summary: string;
  readonly findings: readonly Finding[];
}

/** The table of a session, its columns, its label and its split.
 *
 * `label` is empty until one is chosen; `label_candidates` are columns that can be predicted, the likeliest first.
 * `summarized_rows` is how many rows the histograms describe: all, or a sample of a large table.
 */
export interface TableView {
  readonly name: string;
  readonly rows: number;
  readonly summarized_rows: number;
  readonly columns: readonly Column[];
  readonly label: readonly string[];
  readonly label_candidates: readonly string[];
  readonly task: "classification" | "regression" | "multilabel" | null;
  readonly classes: readonly string[];
  readonly class_counts: readonly number[];
  readonly train_rows: number;
  readonly validation_rows: number;
  readonly test_rows: number;
  readonly findings: readonly Finding[];
}

/** What is done to a table beside training: it is read, prepared or encoded. Pushed while that goes on.
 *
 * `doing` says what, as "preparing 1,000,000 rows".
 */
export interface TableProgress {
  readonly status: "running" | "finished" | "cancelled";
  readonly name: string;
  readonly doing: string;
}

/** The settings of the network and of training, by the names of `creche.train`'s arguments.
 *
 * `epochs` is where training ends by itself. Changing `hidden`, `activation`, `loss`, `seed`, `preprocessing` or the
 * split starts training anew; the others apply from the next batch on.
 */
export interface Settings {
  readonly hidden: readonly number[];
  readonly activation: "identity" | "relu" | "leaky_relu" | "elu" | "selu" | "gelu" | "gelu_tanh" | "silu" | "mish" | "tanh" | "sigmoid" | "softplus";
  readonly optimizer: "sgd" | "adagrad" | "adadelta" | "rmsprop" | "adam" | "adamw" | "nadam" | "radam" | "lion" | "lbfgs";
  readonly learning_rate: number;
  readonly batch_size: number;
  readonly loss: "cross_entropy" | "binary_cross_entropy" | "squared_error" | "absolute_error" | "huber" | "poisson" | "quantile";
  readonly weight_decay: number;
  readonly l1: number;
  readonly dropout: number;
  readonly label_smoothing: number;
  readonly schedule: "constant" | "step" | "exponential" | "cosine" | "cosine_log" | "flat_cosine" | "one_cycle" | "reduce_on_plateau" | "warmup";
  readonly epochs: number;
  readonly seed: number;
  readonly preprocessing: "auto" | "standard" | "robust" | "quantile" | "none" | "realmlp" | "piecewise_linear";
  readonly validation_fraction: number;
  readonly test_fraction: number;
  readonly split_seed: number;
}

/** What the selects of the page offer, for the task of the table. */
export interface Choices {
  readonly activations: readonly string[];
  readonly optimizers: readonly string[];
  readonly losses: readonly string[];
  readonly schedules: readonly string[];
  readonly preprocessings: readonly string[];
  readonly default_rates: readonly number[];
  readonly efforts: readonly ("fast" | "default" | "best")[];
}

/** The settings in force. Pushed to every tab when one of them changes a setting.
 *
 * `changed_at` says after how many epochs settings were changed while training (2.5: in the middle of the third),
 * with `changes` in words.
 */
export interface SettingsView {
  readonly settings: Settings;
  readonly choices: Choices;
  readonly restarted: boolean;
  readonly changed_at: readonly number[];
  readonly changes: readonly string[];
}

/** A layer of neurons; the inputs are layer 0, as in a drawing of the network.
 *
 * `activation` is the function that is applied to the sums; of outputs the one that makes predictions, as "softmax".
 */
export interface LayerView {
  readonly width: number;
  readonly activation: string;
  readonly names: readonly string[];
  readonly columns: readonly string[];
}

/** The shape of the network, and which connections are drawn.
 *
 * `edges` has one row (layer, source, target) for each drawn connection, where weights[layer] leads from layer
 * `layer` to layer `layer + 1`: all connections, or the strongest `edges_limit` of them.
 * `edges_version` changes with the selection; a `Tick` refers to it.
 */
export interface NetworkView {
  readonly layers: readonly LayerView[];
  readonly parameters: number;
  readonly connections: number;
  readonly edges_version: number;
  readonly edges_limit: number;
  readonly edges: Tensor<Int32Array>;
}

/** The state of training. Pushed up to thirty times a second while it runs, and once after each change.
 *
 * Only the newest state is sent. `edge_weights` are the weights of `NetworkView.edges`, `biases` those of all neurons
 * of layers 1, 2, … in their order. `activations` and `probabilities` belong to the selected row: activations of all
 * neurons, inputs included, layer by layer; both are empty without a selected row, the former also where the network
 * has more than 4,096 neurons. `train_loss` and `validation_loss` are those of the last completed epoch.
 * `history_rows` counts the completed epochs that a `History` would have, `watchers` the windows that see the session.
 */
export interface Tick {
  readonly sequence: number;
  readonly status: "empty" | "paused" | "running" | "finished" | "diverged";
  readonly why: string;
  readonly step: number;
  readonly epoch: number;
  readonly batch: number;
  readonly batches: number;
  readonly learning_rate: number;
  readonly epochs_per_second: number;
  readonly train_loss: number | null;
  readonly validation_loss: number | null;
  readonly history_rows: number;
  readonly edges_version: number;
  readonly edge_weights: Tensor<Float32Array>;
  readonly biases: Tensor<Float32Array>;
  readonly activations: Tensor<Float32Array>;
  readonly probabilities: Tensor<Float32Array>;
  readonly selected_row: number | null;
  readonly watchers: number;
}

/** Losses and metrics of completed epochs, from epoch `first` (counted from 1) on. Pushed in pieces.
 *
 * `columns` names the columns of `values`, such as "train_loss" and "validation_accuracy"; `epochs` numbers the rows.
 * Of a long training there are the epochs 1, 1 + `stride`, 1 + 2 `stride`, … and the newest; those of earlier pieces
 * that are not among them are to be dropped. A piece with `first` 1 replaces what the page has. `snapshots` are the
 * epochs to which `Rewind` can go back.
 */
export interface History {
  readonly first: number;
  readonly columns: readonly string[];
  readonly epochs: Tensor<Int32Array>;
  readonly values: Tensor<Float32Array>;
  readonly stride: number;
  readonly snapshots: Tensor<Int32Array>;
}

/** What going back to an epoch, or to the last finite weights, led to. */
export interface Restored {
  readonly epoch: number;
  readonly step: number;
  readonly text: string;
}

/** A metric of the predictions; `baseline` is its value for a constant prediction. */
export interface Metric {
  readonly key: string;
  readonly title: string;
  readonly value: number | null;
  readonly baseline: number | null;
  readonly lower_is_better: boolean;
}

/** How good the network is now, on one part of the rows. Pushed while it is watched.
 *
 * `rows` is how many rows that is: all, or an even sample of more than 10,000. `confusion` has the actual classes as
 * rows and the predicted ones as columns; (0, 0) for more than 100 classes, and for a regression, which has `actual`
 * and `predicted` of up to 2,000 rows instead. `reliability` has rows (predicted, observed, count).
 */
export interface EvaluationView {
  readonly partition: "train" | "validation" | "test";
  readonly rows: number;
  readonly epoch: number;
  readonly metrics: readonly Metric[];
  readonly classes: readonly string[];
  readonly confusion: Tensor<Int32Array>;
  readonly actual: Tensor<Float32Array>;
  readonly predicted: Tensor<Float32Array>;
  readonly reliability: Tensor<Float32Array>;
}

/** One row of the table. `number` is counted from 1, as in messages of Creche.
 *
 * `values` has the cells of the features as text, by the order of `RowsView.columns`. `activations` are as in `Tick`.
 */
export interface RowView {
  readonly number: number;
  readonly partition: "train" | "validation" | "test";
  readonly values: readonly string[];
  readonly actual: string;
  readonly predicted: string;
  readonly probability: number | null;
  readonly loss: number;
}

/** A piece of the table, with what the network predicts for it now. */
export interface RowsView {
  readonly columns: readonly string[];
  readonly rows: readonly RowView[];
  readonly total: number;
}

/** The rows with the largest losses now. Pushed while it is watched. */
export interface ErrorsView {
  readonly partition: "train" | "validation" | "test";
  readonly epoch: number;
  readonly columns: readonly string[];
  readonly rows: readonly RowView[];
}

/** The diagnosis of the run in words. */
export interface DiagnosisView {
  readonly epoch: number;
  readonly verdict: string;
  readonly findings: readonly Finding[];
}

/** What a neuron responds to: its activation over one or two columns, the others held at a typical row.
 *
 * `layer` is counted as in `NetworkView.layers`. `x_values` (and `y_values`) are numbers of the column or, for
 * categories, the places of `x_labels` (`y_labels`). `activations` is (x,), or (y, x) for two columns. `rows` has up
 * to 200 training rows as (x, y or 0, class number or label), to be drawn over it.
 */
export interface NeuronResponse {
  readonly layer: number;
  readonly neuron: number;
  readonly title: string;
  readonly x_column: string;
  readonly y_column: string | null;
  readonly x_values: Tensor<Float32Array>;
  readonly y_values: Tensor<Float32Array>;
  readonly x_labels: readonly string[];
  readonly y_labels: readonly string[];
  readonly activations: Tensor<Float32Array>;
  readonly rows: Tensor<Float32Array>;
}

/** What neurons respond to, for small pictures, each over the columns of `RespondSmall` or its strongest one.
 *
 * `activations` has a map for each neuron, or one line of it for one column. Of each line the first `counts` numbers
 * are there, and the rest is NaN: a column of categories has as many values as categories.
 */
export interface SmallResponses {
  readonly activations: Tensor<Float32Array>;
  readonly counts: Tensor<Int32Array>;
}

/** The loss against one weight, all others fixed, with its tangent.
 *
 * `layer` is the index of W in `Model.weights`; `source` is None for a bias. `weight`, `loss` and `gradient` are those
 * of the point; `next_weight` is where plain gradient descent with the present learning rate leads.
 * `rows` says in words on which rows the loss is evaluated.
 */
export interface WeightCurve {
  readonly layer: number;
  readonly source: number | null;
  readonly target: number;
  readonly title: string;
  readonly weight: number;
  readonly loss: number;
  readonly gradient: number;
  readonly slope: string;
  readonly next_weight: number;
  readonly rows: string;
  readonly weights: Tensor<Float32Array>;
  readonly losses: Tensor<Float32Array>;
  readonly is_trial: boolean;
}

/** One of the arrays that an optimizer keeps for each weight, before and after a step. */
export interface OptimizerArray {
  readonly name: string;
  readonly before: Tensor<Float32Array>;
  readonly after: Tensor<Float32Array>;
  readonly bias_before: Tensor<Float32Array>;
  readonly bias_after: Tensor<Float32Array>;
}

/** A layer in a traced step: the numbers of `creche.explain.trace`, in its order. */
export interface TracedLayer {
  readonly activation: string;
  readonly sums: Tensor<Float32Array>;
  readonly activations: Tensor<Float32Array>;
  readonly sum_gradients: Tensor<Float32Array>;
  readonly weights: Tensor<Float32Array>;
  readonly bias: Tensor<Float32Array>;
  readonly weight_gradients: Tensor<Float32Array>;
  readonly bias_gradients: Tensor<Float32Array>;
  readonly weights_after: Tensor<Float32Array>;
  readonly bias_after: Tensor<Float32Array>;
  readonly optimizer_arrays: readonly OptimizerArray[];
}

/** One training step on some rows, taken apart. The network itself does not take the step.
 *
 * For a classification, `labels` are (n, classes) of 0 and 1, `differences` are predictions - labels, `squares` their
 * squares, `mean_squares` (n,) the mean over classes, and `row_losses` (n,) the loss that is minimized. For a
 * regression, labels and predictions are in the units that the network sees.
 */
export interface BatchTrace {
  readonly rows: Tensor<Int32Array>;
  readonly row_names: readonly string[];
  readonly input_names: readonly string[];
  readonly output_names: readonly string[];
  readonly inputs: Tensor<Float32Array>;
  readonly layers: readonly TracedLayer[];
  readonly predictions: Tensor<Float32Array>;
  readonly labels: Tensor<Float32Array>;
  readonly differences: Tensor<Float32Array>;
  readonly squares: Tensor<Float32Array>;
  readonly mean_squares: Tensor<Float32Array>;
  readonly row_losses: Tensor<Float32Array>;
  readonly loss_name: string;
  readonly loss: number;
  readonly loss_after: number | null;
  readonly optimizer: string;
  readonly learning_rate: number;
}

/** The arithmetic of one neuron in one row, written out as lines of text: forward, backward, update. */
export interface NeuronArithmetic {
  readonly layer: number;
  readonly neuron: number;
  readonly row: number;
  readonly title: string;
  readonly forward: readonly string[];
  readonly backward: readonly string[];
  readonly update: readonly string[];
}

/** A network of the colony. */
export interface ColonyMember {
  readonly number: number;
  readonly optimizer: string;
  readonly learning_rate: number;
  readonly hidden: readonly number[];
  readonly seed: number;
  readonly status: "training" | "finished" | "early_stopped" | "stopped" | "diverged";
  readonly validation_loss: number | null;
  readonly rank: number | null;
}

/** Many networks trained together. Pushed while they train.
 *
 * `curves` has the validation loss of each member after the first epochs, NaN where it has none yet. `epoch` is the
 * mean of their completed epochs, for they need not take turns.
 */
export interface ColonyView {
  readonly status: "running" | "finished" | "cancelled";
  readonly epoch: number;
  readonly epochs: number;
  readonly members: readonly ColonyMember[];
  readonly curves: Tensor<Float32Array>;
  readonly networks_per_second: number;
  readonly text: string;
}

/** A configuration that `creche.fit` trains. */
export interface FitCandidate {
  readonly number: number;
  readonly title: string;
  readonly score: number | null;
  readonly weight: number;
  readonly epochs: number | null;
}

/** The progress and the result of `creche.fit`. Pushed while it runs. */
export interface FitView {
  readonly status: "running" | "finished" | "cancelled";
  readonly done: number;
  readonly metric: string;
  readonly candidates: readonly FitCandidate[];
  readonly text: string;
  readonly metrics: readonly Metric[];
  readonly calibration: readonly string[];
  readonly importances: readonly NumberView[];
}

/** A number with its name, for bars. */
export interface NumberView {
  readonly name: string;
  readonly value: number;
  readonly low: number | null;
  readonly high: number | null;
}

/** A field of the prediction form. Numbers have a range and a typical value, categories their choices. */
export interface Field {
  readonly column: string;
  readonly role: "numeric" | "categorical" | "boolean" | "datetime" | "text" | "identifier" | "ignore";
  readonly value: string;
  readonly low: number | null;
  readonly high: number | null;
  readonly step: number | null;
  readonly choices: readonly string[];
}

/** What the network predicts for one observation.
 *
 * `numbers` has the probability of each class, or the predicted number of each label. `warnings` name values that are
 * far from the training rows. `activations` are as in `Tick`. `edges_version` tells the network they belong to.
 */
export interface PredictionView {
  readonly predicted: string;
  readonly names: readonly string[];
  readonly numbers: Tensor<Float32Array>;
  readonly warnings: readonly string[];
  readonly activations: Tensor<Float32Array>;
  readonly fields: readonly Field[];
  readonly edges_version: number;
}

/** A file to download: a model, a plan, a report or code. */
export interface KeptFile {
  readonly name: string;
  readonly media_type: string;
  readonly content: Tensor<Uint8Array>;
  readonly text: string;
}

/** Why a request was not carried out, in one or two sentences; pushed without a request if training stops by it. */
export interface Failure {
  readonly code: "bad_request" | "bad_value" | "bad_table" | "needs_restart" | "no_table" | "no_network" | "diverged" | "too_large" | "busy" | "cancelled" | "disk" | "unsupported" | "internal";
  readonly text: string;
  readonly remedy: string;
}

/** The first message: everything a page needs to draw itself, new or after a lost connection.
 *
 * `upload_limit` is the greatest number of bytes of a file that can be uploaded. `progress` is what is done to a table
 * at the moment, `failure` why the table that the session was to begin with is not there.
 */
export interface Welcome {
  readonly version: number;
  readonly creche_version: string;
  readonly session: string;
  readonly datasets: readonly string[];
  readonly table: TableView | null;
  readonly settings: SettingsView | null;
  readonly network: NetworkView | null;
  readonly fields: readonly Field[];
  readonly colony: ColonyView | null;
  readonly fit: FitView | null;
  readonly upload_limit: number;
  readonly progress: TableProgress | null;
  readonly failure: Failure | null;
}

/** The answer to a request that has nothing else to tell. */
export interface Done {
  readonly text: string;
}

/** The session ends: the server stops, or the kernel. */
export interface Closing {
  readonly text: string;
}

/** Begin: the page tells which version of the protocol it speaks. */
export interface Connect {
  readonly type: "Connect";
  readonly version: number;
}

/** The page has drawn the `Tick` of this sequence number. A session has at most two that are not acknowledged. */
export interface Acknowledge {
  readonly type: "Acknowledge";
  readonly sequence: number;
}

/** Which views to push while training; `rate` is the greatest number of ticks a second. */
export interface Watch {
  readonly type: "Watch";
  readonly views?: readonly ("evaluation" | "errors")[];
  readonly partition?: "train" | "validation" | "test";
  readonly rate?: number;
}

/** A part of a file that is uploaded through the connection: base64, at most 48 kB of it, in order of `offset`. */
export interface UploadPart {
  readonly type: "UploadPart";
  readonly upload: string;
  readonly name: string;
  readonly offset: number;
  readonly content: string;
}

/** Open a bundled table (`dataset`) or an uploaded one (`upload`). */
export interface OpenTable {
  readonly type: "OpenTable";
  readonly dataset?: string | null;
  readonly upload?: string | null;
  readonly label?: readonly string[];
}

/** Choose the label, the task and the roles of columns; what is left out stays as it is. */
export interface ConfigureTable {
  readonly type: "ConfigureTable";
  readonly label?: readonly string[] | null;
  readonly task?: "classification" | "regression" | "multilabel" | null;
  readonly roles?: Readonly<Record<string, "numeric" | "categorical" | "boolean" | "datetime" | "text" | "identifier" | "ignore">>;
}

/** A piece of the table; `first` is counted from 1. */
export interface ShowRows {
  readonly type: "ShowRows";
  readonly first?: number;
  readonly count?: number;
}

/** Change settings. Those that cannot change while a network trains need `restart`, or are refused.
 *
 * The refusal has the code "needs_restart" and says which weights would be lost.
 */
export interface ChangeSettings {
  readonly type: "ChangeSettings";
  readonly restart?: boolean;
  readonly hidden?: readonly number[] | null;
  readonly activation?: "identity" | "relu" | "leaky_relu" | "elu" | "selu" | "gelu" | "gelu_tanh" | "silu" | "mish" | "tanh" | "sigmoid" | "softplus" | null;
  readonly optimizer?: "sgd" | "adagrad" | "adadelta" | "rmsprop" | "adam" | "adamw" | "nadam" | "radam" | "lion" | "lbfgs" | null;
  readonly learning_rate?: number | null;
  readonly batch_size?: number | null;
  readonly loss?: "cross_entropy" | "binary_cross_entropy" | "squared_error" | "absolute_error" | "huber" | "poisson" | "quantile" | null;
  readonly weight_decay?: number | null;
  readonly l1?: number | null;
  readonly dropout?: number | null;
  readonly label_smoothing?: number | null;
  readonly schedule?: "constant" | "step" | "exponential" | "cosine" | "cosine_log" | "flat_cosine" | "one_cycle" | "reduce_on_plateau" | "warmup" | null;
  readonly epochs?: number | null;
  readonly seed?: number | null;
  readonly preprocessing?: "auto" | "standard" | "robust" | "quantile" | "none" | "realmlp" | "piecewise_linear" | null;
  readonly validation_fraction?: number | null;
  readonly test_fraction?: number | null;
  readonly split_seed?: number | null;
}

/** Train until the plan ends or `Pause`; `epochs_per_second` slows it down so that it can be followed. */
export interface Play {
  readonly type: "Play";
  readonly epochs_per_second?: number | null;
}

/** Stop after the batch at hand. */
export interface Pause {
  readonly type: "Pause";
}

/** Train one batch, or to the end of the epoch, and pause. Answered when it is done. */
export interface Step {
  readonly type: "Step";
  readonly unit?: "batch" | "epoch";
  readonly count?: number;
}

/** Go back to the random weights; a `seed` draws others. */
export interface Reset {
  readonly type: "Reset";
  readonly seed?: number | null;
}

/** Go back to the end of a recorded epoch (0 for the random weights), or to the last finite weights.
 *
 * Training goes on from there; what came after stays recorded until it does.
 */
export interface Rewind {
  readonly type: "Rewind";
  readonly epoch?: number | null;
  readonly last_finite?: boolean;
}

/** Send a row (counted from 1) through the network with every tick; None for none. */
export interface SelectRow {
  readonly type: "SelectRow";
  readonly row: number | null;
}

/** What a neuron responds to. Without `x_column`, the column that changes it most; `y_column` makes it a map. */
export interface Respond {
  readonly type: "Respond";
  readonly layer: number;
  readonly neuron: number;
  readonly x_column?: string | null;
  readonly y_column?: string | null;
}

/** What up to 500 neurons respond to, in few numbers each; `places` has (layer, neuron) of each. */
export interface RespondSmall {
  readonly type: "RespondSmall";
  readonly places: readonly (readonly number[])[];
  readonly x_column?: string | null;
  readonly y_column?: string | null;
}

/** The loss against a weight: W[layer][source, target], or the bias if `source` is None.
 *
 * Without `target`, the weight with the steepest slope. `value` tries a value, which the network does not take yet.
 */
export interface Probe {
  readonly type: "Probe";
  readonly layer?: number;
  readonly source?: number | null;
  readonly target?: number | null;
  readonly value?: number | null;
  readonly points?: number;
}

/** Give a weight a value. The code that `Keep` writes says so. */
export interface ApplyWeight {
  readonly type: "ApplyWeight";
  readonly layer: number;
  readonly source: number | null;
  readonly target: number;
  readonly value: number;
}

/** Take one training step on these rows apart, without taking it; by default on the next batch. */
export interface TraceStep {
  readonly type: "TraceStep";
  readonly rows?: readonly number[];
}

/** The arithmetic of a neuron in one of the rows of the last `TraceStep`. */
export interface ExplainNeuron {
  readonly type: "ExplainNeuron";
  readonly layer: number;
  readonly neuron: number;
  readonly row: number;
}

/** What the run suffers from, in words. */
export interface Diagnose {
  readonly type: "Diagnose";
}

/** Train a network for each combination, all others settings as they are. Answered at once; views are pushed. */
export interface StartColony {
  readonly type: "StartColony";
  readonly learning_rates: readonly number[];
  readonly optimizers?: readonly ("sgd" | "adagrad" | "adadelta" | "rmsprop" | "adam" | "adamw" | "nadam" | "radam" | "lion" | "lbfgs")[];
  readonly hidden?: readonly (readonly number[])[];
  readonly seeds?: number;
  readonly epochs?: number | null;
}

/** Continue with a network of the colony: its settings and weights become those of the session. */
export interface PickMember {
  readonly type: "PickMember";
  readonly number: number;
}

/** Run `creche.fit` on the table. Answered at once; views are pushed. */
export interface StartFit {
  readonly type: "StartFit";
  readonly effort?: "fast" | "default" | "best";
  readonly time_limit?: number | null;
}

/** Stop the colony or the fit, whose results so far are kept; or give up what is done to the table. */
export interface Cancel {
  readonly type: "Cancel";
  readonly work: "colony" | "fit" | "table";
}

/** Predict one observation: the text of each field by column.
 *
 * Numbers have a decimal point. Columns that are left out are missing; without any value, the observation is a typical
 * one.
 */
export interface Predict {
  readonly type: "Predict";
  readonly values: Readonly<Record<string, string>>;
  readonly model?: "network" | "fit" | "ensemble";
}

/** The fields of a row (counted from 1), with what is predicted for it. */
export interface LoadRow {
  readonly type: "LoadRow";
  readonly row: number;
  readonly model?: "network" | "fit" | "ensemble";
}

/** Make a file of what was trained. An ensemble is made of the best `size` networks of the colony. */
export interface Keep {
  readonly type: "Keep";
  readonly what: "model" | "plan" | "report" | "fit" | "ensemble";
  readonly size?: number;
}

/** The code that makes the same model, to the bit. */
export interface Code {
  readonly type: "Code";
  readonly language: "python" | "command";
}

/** The view of each name, as it is written in a frame. */
export interface Views {
  Finding: Finding;
  Column: Column;
  TableView: TableView;
  TableProgress: TableProgress;
  Settings: Settings;
  Choices: Choices;
  SettingsView: SettingsView;
  LayerView: LayerView;
  NetworkView: NetworkView;
  Tick: Tick;
  History: History;
  Restored: Restored;
  Metric: Metric;
  EvaluationView: EvaluationView;
  RowView: RowView;
  RowsView: RowsView;
  ErrorsView: ErrorsView;
  DiagnosisView: DiagnosisView;
  NeuronResponse: NeuronResponse;
  SmallResponses: SmallResponses;
  WeightCurve: WeightCurve;
  OptimizerArray: OptimizerArray;
  TracedLayer: TracedLayer;
  BatchTrace: BatchTrace;
  NeuronArithmetic: NeuronArithmetic;
  ColonyMember: ColonyMember;
  ColonyView: ColonyView;
  FitCandidate: FitCandidate;
  FitView: FitView;
  NumberView: NumberView;
  Field: Field;
  PredictionView: PredictionView;
  KeptFile: KeptFile;
  Failure: Failure;
  Welcome: Welcome;
  Done: Done;
  Closing: Closing;
}

/** The answer to each request. */
export interface Replies {
  Connect: Welcome;
  Acknowledge: Done;
  Watch: Done;
  UploadPart: Done;
  OpenTable: TableView;
  ConfigureTable: TableView;
  ShowRows: RowsView;
  ChangeSettings: SettingsView;
  Play: Done;
  Pause: Done;
  Step: Done;
  Reset: Done;
  Rewind: Restored;
  SelectRow: Done;
  Respond: NeuronResponse;
  RespondSmall: SmallResponses;
  Probe: WeightCurve;
  ApplyWeight: Done;
  TraceStep: BatchTrace;
  ExplainNeuron: NeuronArithmetic;
  Diagnose: DiagnosisView;
  StartColony: Done;
  PickMember: Done;
  StartFit: Done;
  Cancel: Done;
  Predict: PredictionView;
  LoadRow: PredictionView;
  Keep: KeptFile;
  Code: KeptFile;
}

export type Request =
  | Connect
  | Acknowledge
  | Watch
  | UploadPart
  | OpenTable
  | ConfigureTable
  | ShowRows
  | ChangeSettings
  | Play
  | Pause
  | Step
  | Reset
  | Rewind
  | SelectRow
  | Respond
  | RespondSmall
  | Probe
  | ApplyWeight
  | TraceStep
  | ExplainNeuron
  | Diagnose
  | StartColony
  | PickMember
  | StartFit
  | Cancel
  | Predict
  | LoadRow
  | Keep
  | Code;

/** What a session sends without being asked. */
export type Pushed =
  | "Welcome"
  | "TableProgress"
  | "TableView"
  | "SettingsView"
  | "NetworkView"
  | "Tick"
  | "History"
  | "EvaluationView"
  | "ErrorsView"
  | "ColonyView"
  | "FitView"
  | "Failure"
  | "Closing";
