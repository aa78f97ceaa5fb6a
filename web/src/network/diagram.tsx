/** The drawing of the network: connections on a canvas, and a button over it for each neuron. */
import { useMemo, useRef, useState } from "preact/hooks";

import type { NetworkView } from "../protocol.ts";
import type { NeuronPlace, WeightPlace } from "../store.ts";
import { useDrawing, useSize } from "../ui/drawing.ts";
import { writeNumber } from "../ui/numbers.ts";
import {
  indexOf, isSameDrawing, nearestEdge, placeOf, strokesOf, strongestEdges, thickestWeight, type Edge, type Stroke,
} from "./edges.ts";
import { useKeptFocus } from "./keep_focus.ts";
import { LayerGrips } from "./layer_grips.tsx";
import { LayerHeads } from "./layer_heads.tsx";
import { arrange, neighbour, type Direction, type Layout, type Margins } from "./layout.ts";
import { Marks } from "./marks.tsx";
import { shapeOf, weightTitle } from "./names.ts";
import { hiddenWidths, resizeLayer } from "./reshape.ts";
import { paintChosen, paintSmallPicture, paintStrokes, readPalette, type SmallPicture } from "./paint.ts";

/** What the drawing shows at a moment. */
export interface Reading {
  /** One number for each row of `NetworkView.edges`: its sign and size make the line. */
  readonly weights: Float32Array;
  /** The number in each neuron, layer by layer; a layer without numbers is null. */
  readonly values: readonly (Float32Array | null)[] | null;
  /** The texts beside the outputs, and the lengths of their bars, from 0 to 1; null for no bar. */
  readonly outputs: readonly { readonly text: string; readonly share: number | null }[];
  /** How much each of the drawn edges stands out, from 0 to 1; null for all alike. */
  readonly glow: ((layout: Layout, edges: readonly Edge[]) => Float32Array | null) | null;
  /** What the numbers in the neurons are, such as "activation", and those of the connections, such as "weight". */
  readonly meaning: string;
  readonly edgeMeaning: string;
}

interface Props {
  readonly network: NetworkView;
  readonly reading: Reading;
  /** How many connections are drawn, at most. */
  readonly most: number;
  readonly neuron: NeuronPlace | null;
  readonly weight: WeightPlace | null;
  readonly pictures?: ReadonlyMap<string, SmallPicture>;
  readonly onNeuron: (place: NeuronPlace) => void;
  readonly onWeight?: (place: WeightPlace) => void;
  /** Called with the widths of the hidden layers that the user wants; without it, layers cannot be changed. */
  readonly onReshape?: (hidden: readonly number[]) => void;
  readonly label: string;
}

const DIRECTIONS: Readonly<Record<string, Direction>> = {
  ArrowUp: "up", ArrowDown: "down", ArrowLeft: "left", ArrowRight: "right", Home: "first", End: "last",
};

/** Return the key by which the small picture of a neuron is found. */
export function pictureKey(layer: number, neuron: number): string {
  return `${layer}/${neuron}`;
}

/** About how wide a character of a name is, and a mark with the space around it. */
const CHARACTER = 6.6;
const MARK = 40;

/** Return the margins, with room for the names of the inputs at the left, as far as a quarter of the width allows. */
function marginsOf(network: NetworkView, width: number, canReshape: boolean): Margins {
  const longest = Math.max(...network.layers[0]!.names.map((name) => name.length));
  const left = Math.max(92, Math.min(CHARACTER * longest + MARK, width * 0.24, 190));
  const right = Math.max(106, Math.min(width * 0.16, 150));
  return { left, right, top: canReshape ? 64 : 12, bottom: canReshape ? 32 : 12 };
}

interface Hovered {
  readonly index: number;
  readonly x: number;
  readonly y: number;
}

interface EdgeCardProps {
  readonly network: NetworkView;
  readonly hovered: Hovered;
  readonly meaning: string;
  readonly weight: number;
  readonly width: number;
}

/** The connection under the pointer, with its number as it is now. */
function EdgeCard({ network, hovered, meaning, weight, width }: EdgeCardProps) {
  const isRight = hovered.x > width / 2;
  const side = isRight ? { right: `${width - hovered.x + 12}px` } : { left: `${hovered.x + 12}px` };
  return (
    <div class="edge-card" aria-hidden="true" style={{ top: `${hovered.y + 12}px`, ...side }}>
      {weightTitle(network, placeOf(network, hovered.index))}: {meaning} <b>{writeNumber(weight)}</b>
    </div>
  );
}

/** Return the strokes of the edges; the same object as long as they look the same, so that they are not drawn again. */
function useStrokes(layout: Layout, edges: readonly Edge[], reading: Reading): readonly Stroke[] {
  const drawn = useRef<readonly Stroke[]>([]);
  const strokes = strokesOf(edges, thickestWeight(reading.weights), reading.glow?.(layout, edges) ?? null);
  if (!isSameDrawing(strokes, drawn.current)) drawn.current = strokes;
  return drawn.current;
}

export function Diagram(props: Props) {
  const { network, reading, most, weight, onWeight, onReshape } = props;
  const frame = useRef<HTMLDivElement>(null);
  const width = useSize(frame).value.width || 720;
  const layout = useMemo(() => {
    return arrange(network, Math.max(width, 260), marginsOf(network, width, onReshape !== undefined));
  }, [network, width, onReshape !== undefined]);
  const edges = strongestEdges(network, layout, reading.weights, most);
  const canvas = useRef<HTMLCanvasElement>(null);
  const [hovered, setHovered] = useState<Hovered | null>(null);
  const selected = weight ? indexOf(network, weight) : -1;
  const strokes = useStrokes(layout, edges, reading);
  useDrawing(
    canvas,
    (context) => {
      const palette = readPalette(canvas.current!);
      paintStrokes(context, layout, strokes, palette);
      for (const index of [hovered?.index, selected]) {
        const stroke = strokes.find(({ edge }) => edge.index === index);
        if (stroke) paintChosen(context, layout, stroke, strokes.length, palette);
      }
      for (const { layer, neurons, folded, x, y } of layout.spots) {
        const picture = folded === "no" ? props.pictures?.get(pictureKey(layer, neurons[0]!)) : undefined;
        if (picture) paintSmallPicture(context, picture, x, y, layout.radius * 2, layout.radius * 0.44, palette);
      }
    },
    [layout, strokes, hovered?.index, selected, props.pictures],
  );

  // The same element is not compared again when a tick changes the numbers.
  const heads = useMemo(() => {
    if (!onReshape) return null;
    return [
      <LayerGrips key="grips" network={network} layout={layout} onReshape={onReshape} />,
      <LayerHeads key="heads" network={network} layout={layout} onReshape={onReshape} />,
    ];
  }, [network, layout, onReshape]);
  const hoveredAt = (event: MouseEvent): Hovered | null => {
    const box = canvas.current!.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left, event.clientY - box.top];
    const edge = nearestEdge(layout, edges, x, y);
    return edge && { index: edge.index, x, y };
  };
  const [current, setCurrent] = useState(0);
  useKeptFocus(frame, shapeOf(network), () => frame.current?.querySelector<HTMLElement>(".mark[tabindex='0']"));
  const walk = (event: KeyboardEvent): void => {
    const direction = DIRECTIONS[event.key];
    if (!direction || event.altKey || event.ctrlKey || event.metaKey) return;
    const next = neighbour(layout, Math.min(current, layout.spots.length - 1), direction);
    setCurrent(next);
    frame.current?.querySelector<HTMLElement>(`[data-spot="${next}"]`)?.focus();
    event.preventDefault();
    event.stopPropagation();
  };

  return (
    <div class="diagram" ref={frame}>
      <div class="diagram-plane" style={{ height: `${layout.height}px`, width: `${layout.width}px` }}>
        <canvas
          ref={canvas}
          aria-hidden="true"
          class={hovered ? "is-over-edge" : ""}
          style={{ width: `${layout.width}px`, height: `${layout.height}px` }}
          onPointerMove={(event) => setHovered(hoveredAt(event))}
          onPointerLeave={() => setHovered(null)}
          onClick={(event) => {
            const under = hoveredAt(event);
            if (under) onWeight?.(placeOf(network, under.index));
          }}
        />
        <div role="group" aria-label={props.label} onKeyDown={walk}>
          <Marks
            network={network}
            layout={layout}
            reading={reading}
            pictures={props.pictures ?? null}
            current={Math.min(current, layout.spots.length - 1)}
            chosen={props.neuron}
            onChoose={(spot) => {
              setCurrent(spot);
              const { layer, neurons } = layout.spots[spot]!;
              props.onNeuron({ layer, neuron: neurons[0]! });
            }}
            {...(onReshape && { onResize: (layer, width) => onReshape(resizeLayer(hiddenWidths(network), layer, width)) })}
          />
        </div>
        {hovered && hovered.index < reading.weights.length && (
          <EdgeCard
            network={network}
            hovered={hovered}
            meaning={reading.edgeMeaning}
            weight={reading.weights[hovered.index]!}
            width={layout.width}
          />
        )}
        {heads}
      </div>
    </div>
  );
}
