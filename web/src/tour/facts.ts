/** What the tour knows of the page when it checks whether a stop is done. */
import type { ViewName } from "../address.ts";
import { curveOf, type Curves } from "../history.ts";
import type { ColonyView, NetworkView, Request, Settings, TableView, Tick } from "../protocol.ts";
import type { StageKind } from "../step/stages.ts";

export interface Facts {
  readonly view: ViewName;
  readonly table: TableView | null;
  readonly settings: Settings | null;
  readonly network: NetworkView | null;
  readonly tick: Tick | null;
  readonly curves: Curves;
  readonly colony: ColonyView | null;
  /** The stage of the step that is taken apart; null where that view is not shown. */
  readonly stage: { readonly kind: StageKind; readonly layer: number } | null;
  /** What the person has chosen of `Stop.choices`; null before. */
  readonly answer: string | null;
  /** What was asked of the session, and carried out, since the stop was entered. */
  readonly requests: readonly Request[];
}

/** Return the requests of one kind. */
export function requestsOf<T extends Request["type"]>(facts: Facts, type: T): Extract<Request, { type: T }>[] {
  return facts.requests.filter((request): request is Extract<Request, { type: T }> => request.type === type);
}

/** Return whether the training loss has leapt: it is not finite, or well above an epoch before. */
export function hasLeapt(curves: Curves): boolean {
  const losses = curveOf(curves, "train_loss");
  let lowest = Infinity;
  return losses.some((loss) => {
    const leaps = !Number.isFinite(loss) || loss > 1.2 * lowest;
    lowest = Math.min(lowest, loss);
    return leaps;
  });
}
