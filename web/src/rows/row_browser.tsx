/** All rows of the table, a page at a time, with what the network predicts for them. */
import { useSignal } from "@preact/signals";
import type { RowsView } from "../protocol.ts";
import { useStore } from "../store.ts";
import { countOf, writeCount } from "../ui/numbers.ts";
import { RowTable } from "./row_table.tsx";

const PAGE = 20;

export function RowBrowser() {
  const store = useStore();
  const view = useSignal<RowsView | null>(null);
  const first = useSignal(1);
  const load = async (from: number) => {
    first.value = from;
    view.value = await store.act({ type: "ShowRows", first: from, count: PAGE });
  };
  const total = view.value?.total ?? store.table.value?.rows ?? 0;
  return (
    <details onToggle={(event) => event.currentTarget.open && void load(first.peek())}>
      <summary>Browse {countOf(total, "row")}</summary>
      {view.value && (
        <>
          <RowTable columns={view.value.columns} rows={view.value.rows} label="Rows of the table" />
          <div class="buttons pager">
            <button
              type="button"
              disabled={first.value <= 1}
              onClick={() => void load(Math.max(1, first.value - PAGE))}
            >
              ‹ Before
            </button>
            <button type="button" disabled={first.value + PAGE > total} onClick={() => void load(first.value + PAGE)}>
              Next ›
            </button>
            <span class="quiet small">
              {writeCount(first.value)} to {writeCount(Math.min(total, first.value + PAGE - 1))}
            </span>
          </div>
        </>
      )}
    </details>
  );
}
