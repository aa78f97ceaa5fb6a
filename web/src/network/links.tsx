/** The incoming connections of a neuron as a list, the strongest first. */
import { useId, useMemo, useRef, useState } from "preact/hooks";

import type { NetworkView, Tick } from "../protocol.ts";
import type { NeuronPlace, WeightPlace } from "../store.ts";
import { writeNumber } from "../ui/numbers.ts";
import { biasesOf } from "./activity.ts";
import { isSamePlace } from "./edges.ts";
import { neuronTitle } from "./names.ts";

interface Link {
  readonly place: WeightPlace;
  readonly title: string;
  readonly weight: () => number;
}

function linksOf(network: NetworkView, neuron: NeuronPlace, newest: () => Tick): Link[] {
  const rows = network.edges.data;
  const links: Link[] = [];
  for (let i = 0; i < rows.length; i += 3) {
    if (rows[i] !== neuron.layer - 1 || rows[i + 2] !== neuron.neuron) continue;
    const place = { layer: rows[i]!, source: rows[i + 1]!, target: neuron.neuron };
    const weight = (): number => newest().edge_weights.data[i / 3] ?? 0;
    links.push({ place, title: neuronTitle(network, place.layer, place.source), weight });
  }
  links.sort((a, b) => Math.abs(b.weight()) - Math.abs(a.weight()));
  const bias = (): number => biasesOf(network, newest().biases.data, neuron.layer)[neuron.neuron] ?? 0;
  links.push({ place: { layer: neuron.layer - 1, source: null, target: neuron.neuron }, title: "bias", weight: bias });
  return links;
}

interface Props {
  readonly network: NetworkView;
  readonly tick: Tick;
  readonly neuron: NeuronPlace;
  readonly chosen: WeightPlace | null;
  readonly onChoose: (place: WeightPlace) => void;
}

export function Links({ network, tick, neuron, chosen, onChoose }: Props) {
  const id = useId();
  const newest = useRef(tick);
  newest.current = tick;
  // While training runs the order stays, so that a link does not move away from under the pointer.
  const isRunning = tick.status === "running";
  const links = useMemo(() => {
    return linksOf(network, neuron, () => newest.current);
  }, [network, neuron.layer, neuron.neuron, isRunning, isRunning ? 0 : tick.step]);
  const [active, setActive] = useState(0);
  const current = Math.min(active, links.length - 1);
  const largest = Math.max(...links.map((link) => Math.abs(link.weight())), 1e-12);
  const all = network.layers[neuron.layer - 1]!.width;

  const move = (event: KeyboardEvent): void => {
    const steps: Record<string, number> = { ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10, Home: -1e9, End: 1e9 };
    const step = steps[event.key];
    if (step !== undefined) setActive(Math.max(0, Math.min(links.length - 1, current + step)));
    else if (event.key === "Enter" || event.key === " ") onChoose(links[current]!.place);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };

  return (
    <div class="links">
      <h4 id={`${id}-title`}>
        Incoming weights{links.length - 1 < all ? `, the ${links.length - 1} drawn of ${all}` : ""}
      </h4>
      <ul
        role="listbox"
        tabIndex={0}
        aria-labelledby={`${id}-title`}
        aria-activedescendant={`${id}-${current}`}
        onKeyDown={move}
      >
        {links.map((link, i) => {
          const weight = link.weight();
          return (
            <li
              key={link.place.source ?? "bias"}
              id={`${id}-${i}`}
              role="option"
              aria-selected={isSamePlace(link.place, chosen)}
              class={i === current ? "is-active" : ""}
              onClick={() => {
                setActive(i);
                onChoose(link.place);
              }}
            >
              <span class="link-title" title={link.title}>
                {link.title}
              </span>
              <span class="link-bar" aria-hidden="true">
                <span
                  class={weight < 0 ? "is-negative" : "is-positive"}
                  style={{ width: `${(100 * Math.abs(weight)) / largest}%` }}
                />
              </span>
              <span class="number">{writeNumber(weight)}</span>
            </li>
          );
        })}
      </ul>
    </div>
  );
}
