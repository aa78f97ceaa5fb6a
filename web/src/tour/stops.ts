/** The twelve stops of the tour: what each tells, what there is to do, and how the page knows that it was done. */
import type { ViewName } from "../address.ts";
import type { Request } from "../protocol.ts";
import { FOLLOWED_ROW, isChapterNetwork, NETWORK, OBSERVATION, PARAMETERS } from "./chapter.ts";
import { hasLeapt, requestsOf, type Facts } from "./facts.ts";

export interface Stop {
  readonly title: string;
  readonly view: ViewName;
  readonly text: readonly string[];
  readonly task: string;
  /** The answers to choose from, where the task is a question. */
  readonly choices?: readonly string[];
  /** What the page does next if the person would rather watch; absent where only a person can do it. */
  readonly help?: (facts: Facts) => readonly Request[];
  readonly isDone: (facts: Facts) => boolean;
}

const TOO_HIGH = 30;
const SPECIES = ["Adelie", "Chinstrap", "Gentoo"] as const;
const RAREST = "Chinstrap";
const RACERS = ["sgd", "adadelta", "adam"] as const;

function isObservation(values: Readonly<Record<string, string>>): boolean {
  const numbers = Object.values(values).map(Number);
  return OBSERVATION.every((number) => numbers.includes(number));
}

function hasLeaptTooHigh(facts: Facts): boolean {
  const wasHigh = requestsOf(facts, "ChangeSettings").some(({ learning_rate: rate }) => rate != null && rate >= 10);
  return wasHigh && (facts.tick?.status === "diverged" || hasLeapt(facts.curves));
}

/** Return the request that continues with the best network of the race; null before all racers have finished. */
function winnerOf({ colony }: Facts): Request | null {
  const members = colony?.status === "finished" ? colony.members : [];
  const best = members.find(({ rank }) => rank === 1);
  const ran = RACERS.every((racer) => members.some(({ optimizer }) => optimizer.toLowerCase().startsWith(racer)));
  return best && ran ? { type: "PickMember", number: best.number } : null;
}

export const STOPS: readonly Stop[] = [
  {
    title: "The table",
    view: "table",
    text: [
      "Each row is a penguin: four measurements, and its species, the label. A network is to tell the species from the measurements alone.",
      "It learns from the training rows. The validation rows are kept back, to see how well it does on penguins it has never met.",
    ],
    task: "Look at the table: how many rows are kept back, and which species is the rarest?",
    choices: SPECIES,
    isDone: (facts) => facts.answer === RAREST,
  },
  {
    title: "The network",
    view: "train",
    text: [
      `A fully connected network, 4-5-5-3: four inputs, two hidden layers of five neurons, three outputs, the probability of each species. Each neuron is connected with every neuron of the layer before by a weight, and has a bias: ${PARAMETERS} numbers in all. They are what is learned; nothing else is.`,
      "You choose the hidden layers; the table decides the inputs and the outputs.",
    ],
    task: "Add a neuron or a layer, with the buttons above the drawing or by dragging the grip under a layer. See how the number of weights changes, and go back to 4-5-5-3.",
    help: () => [
      { type: "ChangeSettings", restart: true, hidden: [6, 5] },
      { type: "ChangeSettings", restart: true, hidden: NETWORK.hidden },
    ],
    isDone: (facts) => {
      const changes = requestsOf(facts, "ChangeSettings").flatMap((request) => (request.hidden ? [request.hidden.join()] : []));
      return isChapterNetwork(facts.settings) && changes.some((hidden) => hidden !== NETWORK.hidden.join());
    },
  },
  {
    title: "Random weights",
    view: "train",
    text: [
      "Before it has seen a row, the network gets random weights, and biases of 0. Blue, solid lines are weights above 0; orange, dashed lines are below; the thicker a line, the farther from 0.",
      "Such a network knows nothing. The same seed always gives the same weights, so all that follows can be repeated to the last digit.",
    ],
    task: "Draw other weights with another seed, and then return to seed 0.",
    help: () => [
      { type: "ChangeSettings", restart: true, seed: 1 },
      { type: "ChangeSettings", restart: true, seed: 0 },
    ],
    isDone: (facts) => {
      const seeds = [...requestsOf(facts, "ChangeSettings"), ...requestsOf(facts, "Reset")].flatMap(({ seed }) => seed ?? []);
      return facts.settings?.seed === NETWORK.seed && seeds.some((seed) => seed !== NETWORK.seed);
    },
  },
  {
    title: "Forward: a row through the layers",
    view: "train",
    text: [
      "First each measurement becomes the distance from the mean of its column, counted in standard deviations. Then each neuron multiplies what comes in by its weights and adds its bias; relu keeps the sum where it is above 0, and gives 0 otherwise.",
      "The softmax of the last layer makes probabilities of its sums. The lines that contribute most to them light up.",
    ],
    task: `Follow row ${FOLLOWED_ROW}, an Adelie: type its number in the panel "One row".`,
    help: () => [{ type: "SelectRow", row: FOLLOWED_ROW }],
    isDone: (facts) => facts.tick?.selected_row === FOLLOWED_ROW,
  },
  {
    title: "The loss: how wrong a prediction is",
    view: "step",
    text: [
      "The label of an Adelie is the vector [1, 0, 0]: all of the probability at the true class. The squared loss is the mean of the squared differences between prediction and label. It is 0 for a perfect prediction.",
      "Most networks learn classes with the cross-entropy instead, −log of the probability of the true class, which grows without end as that probability goes to 0.",
    ],
    task: "Walk through the step with Next until you reach the loss.",
    isDone: (facts) => facts.stage?.kind === "losses",
  },
  {
    title: "Backward: from the outputs to the inputs",
    view: "step",
    text: [
      "How does the loss change if a weight grows a little? That is the weight's gradient. Backpropagation finds all gradients in one pass, from the outputs back to the inputs, over the same connections.",
      "A neuron whose relu gave 0 has a gradient of 0, and passes nothing back.",
    ],
    task: "Walk on until the gradients have reached layer 1. Select a neuron to see its arithmetic written out.",
    isDone: (facts) => facts.stage?.kind === "sum_gradients" && facts.stage.layer === 1,
  },
  {
    title: "The optimizer's step",
    view: "step",
    text: [
      "The network learns from a batch of 20 rows at a time. The gradient points to where the loss of the batch rises, so the optimizer goes the other way: SGD subtracts the learning rate times the gradient. All weights and biases move at once.",
    ],
    task: "Walk to the last stage, compare the weights before and after, and take the step.",
    help: () => [{ type: "Step", unit: "batch" }],
    isDone: (facts) => requestsOf(facts, "Step").length > 0,
  },
  {
    title: "The loss against one weight",
    view: "train",
    text: [
      "If all weights but one stay as they are, the loss is a curve. The gradient is the slope of the curve at the weight's present value: it tells which way is down, and how steep it is.",
      "You can drag the point along the curve: the network keeps its own value until you apply yours.",
    ],
    task: "Guess which connection has the steepest slope and click it; then let the page find the steepest weight.",
    isDone: (facts) => {
      const probes = requestsOf(facts, "Probe");
      const guess = probes.findIndex(({ target }) => target != null);
      return guess >= 0 && probes.slice(guess).some(({ target }) => target == null);
    },
  },
  {
    title: "Epoch after epoch",
    view: "train",
    text: [
      "The next batch, the same again: forward, loss, backward, step. Once through all batches is an epoch; then the rows are shuffled, and the next begins.",
      "If the training loss goes on falling while the validation loss rises, the network learns the rows by heart: that is overfitting. A GPU changes nothing in what is computed; it computes all neurons of a layer, and all rows of a batch, at once, which pays for networks far larger than this one.",
    ],
    task: "Play until epoch 50, and watch both losses.",
    help: () => [{ type: "Play" }],
    isDone: (facts) => (facts.tick?.epoch ?? 0) >= 50,
  },
  {
    title: "Learning rates",
    view: "train",
    text: [
      "How far should a step go? The gradient tells the direction; the learning rate multiplies its length. Too low, and the loss hardly moves; too high, and a step leaps over the valley and lands higher than it began.",
    ],
    task: `Reset, set the learning rate to ${TOO_HIGH}, and play: see the loss leap. Then set it back to ${NETWORK.learning_rate}.`,
    help: (facts) => {
      const back: Request = { type: "ChangeSettings", learning_rate: NETWORK.learning_rate };
      if (!hasLeaptTooHigh(facts)) {
        return [{ type: "Reset" }, { type: "ChangeSettings", learning_rate: TOO_HIGH }, { type: "Play" }];
      }
      return [facts.tick?.status === "diverged" ? { type: "Rewind", last_finite: true } : { type: "Pause" }, back];
    },
    isDone: (facts) => hasLeaptTooHigh(facts) && (facts.settings?.learning_rate ?? Infinity) <= NETWORK.learning_rate,
  },
  {
    title: "SGD, ADADELTA and Adam race",
    view: "colony",
    text: [
      "SGD has one rate for all weights. ADADELTA (Zeiler 2012) and Adam (Kingma & Ba 2015) also remember how large the gradients of each weight have been, and give each a step of its own, longer where gradients are small.",
      "A colony trains many networks from the same start, side by side.",
    ],
    task: "Race SGD, ADADELTA and Adam over learning rates from 0.001 to 10, find which learns well at most rates, and continue with the best network.",
    help: (facts) => [
      winnerOf(facts) ?? { type: "StartColony", learning_rates: [0.001, 0.00316, 0.01, 0.0316, 0.1, 0.316, 1, 3.16, 10], optimizers: RACERS, epochs: 50 },
    ],
    isDone: (facts) => winnerOf(facts) !== null && requestsOf(facts, "PickMember").length > 0,
  },
  {
    title: "A prediction, and your turn",
    view: "predict",
    text: [
      `A new penguin: bill ${OBSERVATION[0]} mm long and ${OBSERVATION[1]} mm deep, flipper ${OBSERVATION[2]} cm, ${OBSERVATION[3]} hectograms. Forward through the trained network, once, and there is its species.`,
      "Then it is your turn: drop a file of your own into the table view, choose its label, and play. Under Keep there are the model and the code that makes it again, to the bit.",
    ],
    task: `Enter the four measurements, ${OBSERVATION.join(", ")}, and read the probabilities.`,
    isDone: (facts) => requestsOf(facts, "Predict").some(({ values }) => isObservation(values)),
  },
];

/** Return the place of a stop in `STOPS`, from the text in the address; the nearest one if there is none such. */
export function stopPlace(text: string | null): number {
  const number = Number(text);
  return Number.isFinite(number) ? Math.max(0, Math.min(STOPS.length - 1, Math.round(number) - 1)) : 0;
}
