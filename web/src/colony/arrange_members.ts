/** How the networks of a colony are shown: in groups, with axes that all share. */
import { extent } from "../plot/scales.ts";
import type { ColonyMember, ColonyView } from "../protocol.ts";

export type Order = "grid" | "rank";

export interface Group {
  readonly title: string;
  /** Places of the members in `ColonyView.members`. */
  readonly members: readonly number[];
}

/** Return the members in groups: one for each optimizer by learning rate, or one by rank, those that diverged last. */
export function groupMembers(members: readonly ColonyMember[], order: Order): Group[] {
  const places = members.map((_, i) => i);
  if (order === "rank") {
    const rankOf = (i: number): number => members[i]!.rank ?? Infinity;
    return [{ title: "By validation loss", members: places.sort((a, b) => rankOf(a) - rankOf(b) || a - b) }];
  }
  const optimizers = [...new Set(members.map((member) => member.optimizer))];
  return optimizers.map((optimizer) => ({
    title: optimizer,
    members: places
      .filter((i) => members[i]!.optimizer === optimizer)
      .sort((a, b) => members[a]!.learning_rate - members[b]!.learning_rate || a - b),
  }));
}

/** The curve of a member; NaN where it has no loss. */
export function curveOfMember(colony: ColonyView, place: number): Float32Array {
  const epochs = colony.curves.shape[1]!;
  return colony.curves.data.subarray(place * epochs, (place + 1) * epochs);
}

/**
 * Return the losses that the axes span: from the lowest to twice the median of the first epoch, so that networks that
 * diverge do not squeeze the others.
 */
export function sharedLosses(colony: ColonyView): readonly [low: number, high: number] {
  const positive = colony.curves.data.filter((loss) => Number.isFinite(loss) && loss > 0);
  if (positive.length === 0) return [0.1, 1];
  const first = colony.members
    .map((_, i) => curveOfMember(colony, i).find((loss) => Number.isFinite(loss)) ?? NaN)
    .filter((loss) => Number.isFinite(loss))
    .sort((a, b) => a - b);
  const [low] = extent(positive);
  return [low, Math.max(2 * first[first.length >> 1]!, low * 1.01)];
}

/** Return `count` learning rates from `low` to `high`, each a constant factor above the one before. */
export function spreadRates(low: number, high: number, count: number): number[] {
  if (count <= 1 || low === high) return [low];
  const factor = (high / low) ** (1 / (count - 1));
  return Array.from({ length: count }, (_, i) => Number((low * factor ** i).toPrecision(3)));
}
