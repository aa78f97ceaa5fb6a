import assert from "node:assert/strict";
import { test } from "node:test";

import { NO_CURVES, type Curves } from "../src/history.ts";
import type { ColonyMember, Request, Settings, TableView, Tick } from "../src/protocol.ts";
import { isChapterNetwork, isChapterTable, NETWORK, TABLE } from "../src/tour/chapter.ts";
import { hasLeapt, type Facts } from "../src/tour/facts.ts";
import { STOPS, stopPlace } from "../src/tour/stops.ts";
import { makeNetwork } from "./networks.ts";

const settings = { ...NETWORK } as unknown as Settings;
const table = { name: "penguins-four" } as TableView;
const tick = { epoch: 0, step: 0, status: "paused", selected_row: null } as unknown as Tick;

/** The page as it is when a stop has just been entered from another view. */
const ENTERED: Facts = {
  view: "keep", table, settings, network: makeNetwork([4, 5, 5, 3]), tick, curves: NO_CURVES, colony: null, stage: null,
  answer: null, requests: [],
};

const losses = (...values: number[]): Curves => ({
  ...NO_CURVES, columns: ["train_loss"], epochs: values.map((_, i) => i + 1), values: [values],
});
const asked = (...requests: Request[]): Partial<Facts> => ({ requests });
const racer = (optimizer: string, number: number) => ({ optimizer, number, rank: number + 1 }) as ColonyMember;
const race = (status: "running" | "finished", ...optimizers: string[]) => {
  return { colony: { status, members: optimizers.map(racer) } as unknown as NonNullable<Facts["colony"]> };
};

/** What does each stop, and what comes close without doing it. */
const DEEDS: readonly { readonly done: Partial<Facts>; readonly close: Partial<Facts> }[] = [
  { done: { answer: "Chinstrap" }, close: { answer: "Gentoo" } },
  {
    done: asked({ type: "ChangeSettings", hidden: [6, 5] }, { type: "ChangeSettings", hidden: [5, 5] }),
    close: { ...asked({ type: "ChangeSettings", hidden: [6, 5] }), settings: { ...settings, hidden: [6, 5] } },
  },
  { done: asked({ type: "Reset", seed: 3 }, { type: "ChangeSettings", seed: 0 }), close: asked({ type: "Reset" }) },
  { done: { tick: { ...tick, selected_row: 130 } }, close: { tick: { ...tick, selected_row: 131 } } },
  { done: { stage: { kind: "losses", layer: 3 } }, close: { stage: { kind: "differences", layer: 3 } } },
  { done: { stage: { kind: "sum_gradients", layer: 1 } }, close: { stage: { kind: "sum_gradients", layer: 2 } } },
  { done: asked({ type: "Step" }), close: asked({ type: "Pause" }) },
  {
    done: asked({ type: "Probe", layer: 0, source: 1, target: 2 }, { type: "Probe" }),
    close: asked({ type: "Probe" }, { type: "Probe", layer: 0, source: 1, target: 2 }),
  },
  { done: { tick: { ...tick, epoch: 50 } }, close: { tick: { ...tick, epoch: 49 } } },
  {
    done: { ...asked({ type: "ChangeSettings", learning_rate: 30 }), curves: losses(0.2, 0.1, 0.3) },
    close: {
      ...asked({ type: "ChangeSettings", learning_rate: 30 }), curves: losses(0.2, 0.1, 0.3),
      settings: { ...settings, learning_rate: 30 },
    },
  },
  {
    done: { ...race("finished", "sgd", "adadelta", "adam"), ...asked({ type: "PickMember", number: 2 }) },
    close: race("finished", "sgd", "adadelta", "adam"),
  },
  {
    done: asked({ type: "Predict", values: { a: "37.3", b: "16.8", c: "19.2", d: "30" } }),
    close: asked({ type: "Predict", values: { a: "37.3", b: "16.8", c: "19.2", d: "31" } }),
  },
];

test("the tour has twelve stops, each of which tells one thing", () => {
  assert.equal(STOPS.length, 12);
  assert.equal(new Set(STOPS.map(({ title }) => title)).size, 12);
});

STOPS.forEach((stop, i) => {
  test(`stop ${i + 1}, "${stop.title}", is done by its task only`, () => {
    const { done, close } = DEEDS[i]!;
    assert.equal(stop.isDone(ENTERED), false);
    assert.equal(stop.isDone({ ...ENTERED, ...close }), false);
    assert.equal(stop.isDone({ ...ENTERED, ...done }), true);
  });
});

test("the page helps with a race until there is a network to continue with", () => {
  const help = (facts: Partial<Facts>) => STOPS[10]!.help!({ ...ENTERED, ...facts }).map(({ type }) => type);
  assert.deepEqual(help({}), ["StartColony"]);
  assert.deepEqual(help(race("running", "sgd", "adadelta", "adam")), ["StartColony"]);
  assert.deepEqual(help(race("finished", "sgd", "adam")), ["StartColony"]);
  assert.deepEqual(help(race("finished", "sgd", "adadelta", "adam")), ["PickMember"]);
});

test("the page helps with a rate that is too high, and then sets it back", () => {
  const help = (facts: Partial<Facts>) => STOPS[9]!.help!({ ...ENTERED, ...facts }).map(({ type }) => type);
  const leapt = { ...asked({ type: "ChangeSettings", learning_rate: 30 }), curves: losses(0.2, 0.1, 0.3) };
  assert.deepEqual(help({}), ["Reset", "ChangeSettings", "Play"]);
  assert.deepEqual(help(leapt), ["Pause", "ChangeSettings"]);
  assert.deepEqual(help({ ...leapt, tick: { ...tick, status: "diverged" } }), ["Rewind", "ChangeSettings"]);
});

test("a leap is a loss that is not finite or well above an earlier one", () => {
  assert.equal(hasLeapt(losses(0.3, 0.2, 0.21, 0.1)), false);
  assert.equal(hasLeapt(losses(0.3, 0.2, 0.25)), true);
  assert.equal(hasLeapt(losses(0.3, NaN)), true);
  assert.equal(hasLeapt(NO_CURVES), false);
});

test("an address leads to a stop, whatever it says", () => {
  assert.deepEqual(["1", "5", "12", "99", "-3", "x", null].map(stopPlace), [0, 4, 11, 11, 0, 0, 0]);
});

test("the tour's own table and network are recognized", () => {
  assert.equal(isChapterTable({ name: TABLE.dataset } as TableView), true);
  assert.equal(isChapterNetwork(settings), true);
  assert.equal(isChapterNetwork({ ...settings, hidden: [5] }), false);
  assert.equal(isChapterNetwork(null), false);
});
