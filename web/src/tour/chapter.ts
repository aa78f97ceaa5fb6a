/** The table and the network on which the tour is told, as in `creche learn`. */
import type { ChangeSettings, OpenTable, Settings, TableView } from "../protocol.ts";

export const TABLE: OpenTable = { type: "OpenTable", dataset: "penguins-four", label: ["species"] };

export const NETWORK = {
  hidden: [5, 5],
  activation: "relu",
  loss: "squared_error",
  optimizer: "sgd",
  learning_rate: 1,
  schedule: "constant",
  batch_size: 20,
  epochs: 50,
  seed: 0,
  preprocessing: "standard",
  validation_fraction: 0.3,
  test_fraction: 0,
} as const satisfies Partial<Settings>;

export const BEGIN: ChangeSettings = { type: "ChangeSettings", restart: true, ...NETWORK };

/** The row that the tour follows: an Adelie. */
export const FOLLOWED_ROW = 130;

/** The observation that is predicted at the end, in the order of the table's columns. */
export const OBSERVATION = [37.3, 16.8, 19.2, 30.0] as const;

/** How many weights and biases the network has. */
export const PARAMETERS = 73;

export function isChapterTable(table: TableView | null): boolean {
  return table?.name === TABLE.dataset;
}

/** Return whether the network has the chapter's layers, activation and loss. */
export function isChapterNetwork(settings: Settings | null): boolean {
  return (
    settings !== null &&
    settings.hidden.join() === NETWORK.hidden.join() &&
    settings.activation === NETWORK.activation &&
    settings.loss === NETWORK.loss
  );
}
