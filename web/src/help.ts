/** One sentence for each term of the page. It is shown at the term, and all of them with "?". */
export const HELP = {
  epoch: "An epoch is one pass through all training rows.",
  batch: "A batch is the group of rows from which one step of training is computed.",
  step: "A step changes all weights once, by the gradient of one batch.",
  loss: "The loss is the one number that training makes smaller: how far predictions are from the labels, averaged over rows.",
  train_loss: "The loss on the rows that the network learns from, as they were trained on during the epoch.",
  validation_loss:
    "The loss on rows that the network never learns from; if it rises while the training loss falls, the network overfits.",
  hidden: "The widths of the hidden layers, from the inputs to the outputs, such as 8, 8.",
  activation:
    "The function that each hidden neuron applies to its weighted sum; without one, layers would add nothing.",
  optimizer: "The rule that turns gradients into changes of the weights.",
  learning_rate: "How large the steps are: too low learns slowly, too high leaps over the minimum.",
  batch_size:
    "How many rows each step is computed from: small batches are noisy, large ones take more time for each step.",
  loss_name: "Which loss is minimized.",
  weight_decay:
    "Pulls all weights towards zero a little at each step, which keeps the network from relying on any of them too much.",
  l1: "Pulls weights towards zero by a constant amount, so that many of them become exactly zero.",
  dropout: "The share of hidden neurons that each step leaves out at random, so that no neuron relies on another.",
  label_smoothing:
    "Trains towards slightly less than certainty, so that the network does not become too sure of itself.",
  schedule: "How the learning rate changes in the course of training.",
  epochs: "After how many epochs training ends by itself.",
  seed: "The number from which the random first weights and the order of rows are drawn; the same seed gives the same network.",
  preprocessing: "How columns become the numbers that the network sees.",
  validation_fraction:
    "The share of rows that are kept for validation: the network is measured on them but never learns from them.",
  test_fraction: "The share of rows that are kept for a final test, which should be looked at only once.",
  split_seed: "The number from which the split into training, validation and test rows is drawn.",
  speed: "How many epochs a second are trained at most: slow down to follow what happens.",
  history: "Go back to the network of a recorded epoch; training continues from there.",
  metric:
    "A metric measures the predictions in terms that mean something to people, such as the share of correct ones.",
  baseline: "What a constant prediction reaches, without looking at any column; a network must do better.",
  confusion: "Each row is an actual class, each column a predicted one: what is off the diagonal is wrong.",
  scatter: "Each point is a row; those on the diagonal are predicted exactly.",
  reliability:
    "Of the predictions with a probability of 80 %, 80 % should be right: then the points are on the diagonal.",
  errors: "The rows with the largest losses: often mistakes in the table, or cases that its columns do not explain.",
  row: "One row of the table, sent through the network at each frame.",
  probabilities: "What the network predicts for this row; the probabilities of all classes add up to 1.",
  diagnosis: "Checks the run for what often goes wrong, such as overfitting, dead neurons or a wrong learning rate.",
  role: "What a column is used as: a number, a category, a date, a text, an identifier, or not at all.",
  missing: "How many rows have no value in this column.",
  label: "The column that the network learns to predict.",
  split: "The rows are divided at random: most are learned from, the others measure the network.",
  leakage: "A column leaks if it gives the label away, and would not be known when a prediction is needed.",
  fit: "Tries several kinds of networks with suitable settings, keeps the best and combines them.",
  effort: "How much time may be spent on looking for a better model.",
  score: "The metric on validation rows, by which candidates are compared.",
  weight_in_model: "The share that a candidate has in the predictions of the final model.",
  calibration: "Whether predicted probabilities are as frequent as they say.",
  importance: "How much worse the model gets when the values of a column are shuffled.",
  plan: "A text file (TOML) with every setting, from which the same model can be trained again.",
  model: "The trained network in one file, with everything needed to predict from a table.",
  report: "One page in HTML on the data, the network, its training and its errors.",
  code: "A program that makes this very model, to the last bit.",
  weight: "A weight says how much a neuron counts an input; training means finding the weights.",
  bias: "A number that a neuron adds to its weighted sum.",
  response: "The activation of a neuron as one or two columns change, while all others stay at a typical row.",
  gradient: "The slope of the loss against a weight: the direction in which the loss rises most.",
  colony: "Many networks that train at the same time, to compare settings.",
  logarithmic: "Equal distances mean equal factors, so that small losses stay visible.",
} as const;

export type HelpTerm = keyof typeof HELP;
