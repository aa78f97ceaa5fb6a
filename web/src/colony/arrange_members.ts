/** How the networks of a colony are shown: in groups, with axes that all share. */
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

/** Return the number that this share of the numbers lies below. */
function quantile(numbers: readonly number[], share: number): number {
  const ordered = [...numbers].sort((a, b) => a - b);
  return ordered[Math.round(share * (ordered.length - 1))]!;
}

/**
 * Return the losses that the axes span: from a little below what all but the best tenth of the networks reach, to twice
 * the median of the first epoch, so that neither those that diverge nor a rare low one squeeze the others.
 */
export function sharedLosses(colony: ColonyView): readonly [low: number, high: number] {
  const curves = colony.members
    .map((_, i) => curveOfMember(colony, i).filter((loss) => Number.isFinite(loss) && loss > 0))
    .filter((curve) => curve.length > 0);
  if (curves.length === 0) return [0.1, 1];
  const lowest = curves.map((curve) => Math.min(...curve));
  const low = Math.max(Math.min(...lowest), quantile(lowest, 0.1) / 2);
  return [low, Math.max(2 * quantile(curves.map((curve) => curve[0]!), 0.5), low * 1.01)];
}

/** Return `count` learning rates from `low` to `high`, each a constant factor above the one before. */
export function spreadRates(low: number, high: number, count: number): number[] {
  if (count <= 1 || low === high) return [low];
  const factor = (high / low) ** (1 / (count - 1));
  return Array.from({ length: count }, (_, i) => Number((low * factor ** i).toPrecision(3)));
}
