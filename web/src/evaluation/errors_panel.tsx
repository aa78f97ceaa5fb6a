/** The rows with the largest losses now. */
import { RowTable } from "../rows/row_table.tsx";
import { useStore, useWatch } from "../store.ts";
import { Term } from "../ui/hint.tsx";
import { Panel } from "../ui/panel.tsx";

export function ErrorsPanel() {
  useWatch("errors");
  const view = useStore().errors.value;
  return (
    <Panel
      title={<Term term="errors">Largest errors</Term>}
      class="errors"
      aside={view && `${view.partition} rows, after epoch ${view.epoch}`}
    >
      {view ? (
        <RowTable columns={view.columns} rows={view.rows} label="Rows with the largest losses" />
      ) : (
        <p class="quiet">They come with the first step.</p>
      )}
    </Panel>
  );
}
