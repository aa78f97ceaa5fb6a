/** The neurons of the drawing: one button each, with its number and its name, and the bars beside the outputs. */

import { Fragment, type JSX } from "preact";

import type { NetworkView } from "../protocol.ts";
import type { NeuronPlace } from "../store.ts";
import { writeNumber, writeTiny } from "../ui/numbers.ts";
import { activityOf } from "./activity.ts";
import { pictureKey, type Reading } from "./diagram.tsx";
import type { Layout, Spot } from "./layout.ts";
import type { SmallPicture } from "./paint.ts";

/** How tall a line of a name is, and how many it may have. */
const LINE = 15;
const MOST_LINES = 3;

interface Props {
  readonly network: NetworkView;
  readonly layout: Layout;
  readonly reading: Reading;
  readonly pictures: ReadonlyMap<string, SmallPicture> | null;
  /** The spot that takes the keyboard's focus. */
  readonly current: number;
  readonly chosen: NeuronPlace | null;
  readonly onChoose: (spot: number) => void;
  /** Called with a hidden layer and how wide it should be; without it, layers stay as they are. */
  readonly onResize?: (layer: number, width: number) => void;
}

const RESIZE_KEYS: Readonly<Record<string, number>> = { "+": 1, Insert: 1, "-": -1, Delete: -1 };

/** Return what a mark stands for, without its number. */
function titleOf(spot: Spot): string {
  if (spot.folded === "rest") return spot.title;
  if (spot.folded === "column") return `${spot.title}, ${spot.neurons.length} inputs`;
  return spot.kind === "hidden" ? spot.title : `${spot.kind} ${spot.title}`;
}

export function Marks({ network, layout, reading, pictures, current, chosen, onChoose, onResize }: Props) {
  const { radius, spots } = layout;
  const activity = reading.values && activityOf(layout, reading.values);
  return (
    <>
      {spots.map((spot, i) => {
        const neuron = spot.neurons[0]!;
        const value = spot.folded === "no" ? reading.values?.[spot.layer]?.[neuron] : undefined;
        const output = spot.kind === "output" && spot.folded === "no" ? reading.outputs[neuron] : undefined;
        const hasPicture = pictures?.has(pictureKey(spot.layer, neuron)) ?? false;
        const level = activity?.[i] ?? 0;
        const sign = level < 0 ? "is-negative" : "is-positive";
        const isChosen = chosen !== null && chosen.layer === spot.layer && spot.neurons.includes(chosen.neuron);
        return (
          <button
            key={`${spot.layer}/${neuron}`}
            type="button"
            data-spot={i}
            class={`mark mark-${spot.kind} mark-fold-${spot.folded}${hasPicture ? ` has-picture${activity ? ` ${sign}` : ""}` : ""}`}
            style={{
              left: `${spot.x - radius}px`,
              top: `${spot.y - radius}px`,
              width: `${2 * radius}px`,
              height: `${2 * radius}px`,
              // Around a picture, the frame tells what fills the other marks.
              ...(hasPicture && activity && { borderWidth: `${1 + 2.5 * Math.abs(level)}px` }),
            }}
            tabIndex={i === current ? 0 : -1}
            aria-pressed={isChosen}
            title={titleOf(spot)}
            onClick={() => onChoose(i)}
            onKeyDown={(event) => {
              const change = RESIZE_KEYS[event.key];
              if (!change || !onResize || spot.kind !== "hidden") return;
              onResize(spot.layer, network.layers[spot.layer]!.width + change);
              event.preventDefault();
              event.stopPropagation();
            }}
          >
            {activity && !hasPicture && (
              <span
                class={`mark-level ${sign}`}
                style={{ height: `${Math.round(Math.abs(level) * 100)}%` }}
              />
            )}
            <span class="unseen">{titleOf(spot)}</span>
            {value !== undefined && (
              <>
                <span class="unseen">
                  , {reading.meaning} {writeNumber(value, 2)}
                </span>
                {radius >= 14 && !hasPicture && (
                  <span class="mark-value" aria-hidden="true">
                    {writeTiny(value)}
                  </span>
                )}
              </>
            )}
            {output && <span class="unseen">, {output.text}</span>}
            {spot.folded === "rest" && (
              <span class="mark-value" aria-hidden="true">
                {radius >= 14 ? `+${spot.neurons.length}` : "⋮"}
              </span>
            )}
          </button>
        );
      })}
      {spots.map((spot) => spot.kind !== "hidden" && <Name key={`${spot.layer}/${spot.neurons[0]}`} spot={spot} layout={layout} reading={reading} />)}
    </>
  );
}

/** Let a name break between its words, and between a column and its category. */
function breakable(name: string): JSX.Element[] {
  return name.split(/(?<=[_\s.=])/).map((part, i) => (
    <Fragment key={i}>
      {part}
      <wbr />
    </Fragment>
  ));
}

function Name({ spot, layout, reading }: { spot: Spot; layout: Layout; reading: Reading }) {
  const gap = layout.radius + 6;
  if (spot.kind === "input") {
    const room = spot.x - gap;
    const [first, second] = layout.layers[0]!.map((i) => layout.spots[i]!.y);
    const lines = second === undefined ? MOST_LINES : Math.floor((second - first!) / LINE);
    return (
      <span class="mark-name is-input" aria-hidden="true" style={{
          right: `${layout.width - room}px`,
          top: `${spot.y}px`,
          maxWidth: `${room}px`,
          WebkitLineClamp: Math.max(1, Math.min(MOST_LINES, lines)),
        }}>
        {breakable(spot.title)}
      </span>
    );
  }
  const output = spot.folded === "no" ? reading.outputs[spot.neurons[0]!] : undefined;
  const left = spot.x + gap;
  return (
    <span class="mark-name is-output" aria-hidden="true" style={{ left: `${left}px`, top: `${spot.y}px`, width: `${layout.width - left}px` }}>
      <span class="mark-title">{spot.title}</span>
      {output && (
        <span class="mark-output">
          {output.share !== null && (
            <span class="mark-bar">
              <span style={{ width: `${Math.round(output.share * 100)}%` }} />
            </span>
          )}
          <span class="mark-text">{output.text}</span>
        </span>
      )}
    </span>
  );
}
