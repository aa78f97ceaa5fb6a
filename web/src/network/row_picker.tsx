/** Chooses the row that is sent through the network, by its number in the table. */
import { useEffect, useState } from "preact/hooks";

import type { RowView } from "../protocol.ts";
import { useStore } from "../store.ts";

/** Return the row that is followed with what the table says of it; null while there is none. */
function useFollowedRow(number: number | null): RowView | null {
  const store = useStore();
  const [row, setRow] = useState<RowView | null>(null);
  useEffect(() => {
    let isOver = false;
    if (number !== null) {
      void store.act({ type: "ShowRows", first: number, count: 1 }).then((view) => {
        if (!isOver) setRow(view?.rows[0] ?? null);
      });
    }
    return () => {
      isOver = true;
    };
  }, [store, number]);
  return row?.number === number ? row : null;
}

export function RowPicker() {
  const store = useStore();
  const total = store.table.value?.rows ?? 1;
  const number = store.tick.value?.selected_row ?? null;
  const row = useFollowedRow(number);
  const select = (next: number | null): void => {
    const bounded = next === null ? null : Math.max(1, Math.min(total, Math.round(next)));
    void store.act({ type: "SelectRow", row: bounded });
  };
  return (
    <div class="row-picker" role="group" aria-label="Row that is followed">
      <label class="field">
        <span>Follow row</span>
        <input
          type="number"
          min={1}
          max={total}
          placeholder="none"
          value={number ?? ""}
          onChange={(event) => {
            const next = event.currentTarget.valueAsNumber;
            select(Number.isNaN(next) ? null : next);
          }}
        />
      </label>
      {number === null ? (
        <button type="button" onClick={() => select(1)}>
          Send a row through
        </button>
      ) : (
        <>
          <button type="button" aria-label="Next row" title="Next row" onClick={() => select(number >= total ? 1 : number + 1)}>
            ›
          </button>
          <button type="button" onClick={() => select(null)}>
            None
          </button>
          {row && (
            <span class="quiet">
              {row.partition} row, actual <b>{row.actual}</b>
            </span>
          )}
        </>
      )}
    </div>
  );
}
