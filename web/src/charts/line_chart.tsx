/** A chart of lines over epochs, which grows while training runs. */
import { effect, type ReadonlySignal, useSignal } from "@preact/signals";
import { useId, useLayoutEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import { isDark } from "../preferences.ts";
import { useSize } from "../ui/drawing.ts";
import { writeNumber } from "../ui/numbers.ts";
import { type ChartData, chartOptions } from "./chart_options.ts";
import { DataTable } from "./data_table.tsx";

interface LineChartProps {
  readonly title: string;
  readonly data: ReadonlySignal<ChartData>;
  readonly isLog?: ReadonlySignal<boolean>;
  readonly height?: number;
  /** Charts with the same key share their cursor. */
  readonly syncKey: string;
  readonly isTable: boolean;
}

export function LineChart({ title, data, isLog, height = 190, syncKey, isTable }: LineChartProps) {
  const holder = useRef<HTMLDivElement>(null);
  const scheme = isDark.value;
  const size = useSize(holder);
  const cursor = useSignal<number | null>(null);
  const legendId = useId();
  useLayoutEffect(() => {
    if (isTable) return;
    let plot: uPlot | null = null;
    let made = "";
    const stop = effect(() => {
      const { width } = size.value;
      const { epochs, lines } = data.value;
      const target = holder.current;
      if (!target || width === 0) return;
      const log = isLog?.value ?? false;
      const wanted = JSON.stringify([lines.map((line) => line.label), log]);
      if (made !== wanted) {
        plot?.destroy();
        const onCursor = (place: number | null) => {
          cursor.value = place;
        };
        const options = chartOptions({
          target,
          lines,
          log,
          width,
          height,
          syncKey,
          onCursor,
          marks: () => data.peek().marks,
        });
        plot = new uPlot(options, [[]], target);
        made = wanted;
      }
      if (plot && plot.width !== width) plot.setSize({ width, height });
      const isShown = (value: number) => Number.isFinite(value) && (!log || value > 0);
      plot?.setData([[...epochs], ...lines.map((line) => line.values.map((value) => (isShown(value) ? value : null)))]);
    });
    return () => {
      stop();
      plot?.destroy();
    };
  }, [isTable, data, isLog, height, syncKey, size, cursor, scheme]);

  const { epochs, lines } = data.value;
  if (isTable) return <DataTable title={title} data={data.value} />;
  const place = cursor.value ?? epochs.length - 1;
  return (
    <figure class="chart">
      <div
        ref={holder}
        class="chart-canvas"
        role="img"
        aria-label={`${title}. ${epochs.length === 0 ? "No epoch yet" : `After epoch ${epochs.at(-1)}: ${describe(lines)}`}`}
        style={{ height: `${height}px` }}
      />
      <figcaption id={legendId} class="legend">
        <span class="quiet">{epochs.length === 0 ? "no epoch yet" : `epoch ${epochs[place] ?? ""}`}</span>
        {lines.map(({ label, colour, isDashed, values }) => (
          <span key={label} class="legend-entry">
            <svg width="22" height="8" aria-hidden="true">
              <line
                x1="1"
                y1="4"
                x2="21"
                y2="4"
                stroke={`var(${colour})`}
                stroke-width="2.5"
                stroke-dasharray={isDashed ? "5 3" : undefined}
              />
            </svg>
            {label} <b>{writeNumber(values[place])}</b>
          </span>
        ))}
      </figcaption>
    </figure>
  );
}

function describe(lines: ChartData["lines"]): string {
  return lines.map(({ label, values }) => `${label} ${writeNumber(values.at(-1))}`).join(", ");
}
