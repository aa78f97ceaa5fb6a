/** One network of the colony, small: its validation loss over the epochs, on axes that all networks share. */
import { linearScale, logScale, polyline } from "../plot/scales.ts";
import type { ColonyMember } from "../protocol.ts";
import { writeNumber, writeShort } from "../ui/numbers.ts";

const WIDTH = 104;
const HEIGHT = 64;

interface Props {
  readonly member: ColonyMember;
  readonly curve: Float32Array;
  readonly losses: readonly [low: number, high: number];
  readonly isChosen: boolean;
  readonly showsOptimizer: boolean;
  readonly onChoose: () => void;
}

/** Return what became of a network, in a few words. */
export function outcome(member: ColonyMember): string {
  if (member.status === "diverged") return "diverged";
  if (member.validation_loss === null) return member.status === "training" ? "training" : "no loss";
  return `${member.rank === 1 ? "best " : ""}${writeNumber(member.validation_loss, 3)}`;
}

export function memberTitle(member: ColonyMember): string {
  return `${member.optimizer}, learning rate ${writeShort(member.learning_rate)}, seed ${member.seed}`;
}

export function Multiple({ member, curve, losses, isChosen, showsOptimizer, onChoose }: Props) {
  const x = linearScale(0, Math.max(curve.length - 1, 1), 3, WIDTH - 3);
  const y = logScale(losses[0], losses[1], HEIGHT - 4, 4);
  // What lies outside the shared axes runs along their edge.
  const shown = curve.map((loss) => (loss < losses[0] ? losses[0] : loss));
  const isDiverged = member.status === "diverged";
  const classes = ["multiple", member.rank === 1 && "is-best", isDiverged && "is-diverged"].filter(Boolean).join(" ");
  return (
    <button
      type="button"
      class={classes}
      aria-pressed={isChosen}
      onClick={onChoose}
    >
      <span class="multiple-head">
        <span class={showsOptimizer ? "multiple-optimizer" : "unseen"}>{member.optimizer} </span>
        <span class="unseen">learning rate </span>
        {writeShort(member.learning_rate)}
      </span>
      <svg class="clipped" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true">
        <polyline class="curve" points={polyline(curve.keys(), shown, x, y)} />
        {isDiverged && <path class="cross" d={`M${WIDTH - 22},10l12,12m0,-12l-12,12`} />}
      </svg>
      <span class="multiple-foot">
        <span class="unseen">validation loss </span>
        {outcome(member)}
      </span>
    </button>
  );
}
