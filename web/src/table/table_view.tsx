/** The table: where it comes from, what it should predict, and what its columns are like. */
import { useStore } from "../store.ts";
import { Findings } from "../ui/findings.tsx";
import { Hint } from "../ui/hint.tsx";
import { countOf } from "../ui/numbers.ts";
import { Panel } from "../ui/panel.tsx";
import { ColumnTable } from "./column_table.tsx";
import { agreesToLoss } from "./loss.ts";
import { OpenTable } from "./open_table.tsx";
import { SplitBar } from "./split_bar.tsx";

export function TableView() {
  const store = useStore();
  const table = store.table.value;
  return (
    <div class="table-view">
      <Panel title={table ? "Another table" : "Open a table"} class="open-table">
        <OpenTable />
      </Panel>
      {table && (
        <>
          <Panel title="What to predict" class="target">
            <LabelSelect />
            {table.label.length > 0 && <SplitBar table={table} />}
            <Findings findings={table.findings} />
            {table.label.length > 0 && (
              <div class="buttons">
                <button type="button" class="primary" onClick={() => store.show("train")}>
                  To the network →
                </button>
              </div>
            )}
          </Panel>
          <Panel
            title="Columns"
            class="columns"
            aside={
              table.summarized_rows < table.rows
                ? `summaries of ${countOf(table.summarized_rows, "sampled row")}`
                : countOf(table.rows, "row")
            }
          >
            <ColumnTable table={table} />
          </Panel>
        </>
      )}
    </div>
  );
}

function LabelSelect() {
  const store = useStore();
  const table = store.table.value;
  if (!table) return null;
  const [label = ""] = table.label;
  const others = table.columns.map(({ name }) => name).filter((name) => !table.label_candidates.includes(name));
  const choose = async (request: { label: readonly string[] } | { task: "classification" | "regression" }) => {
    if (!(await agreesToLoss(store))) return;
    await store.act({ type: "ConfigureTable", ...request });
  };
  return (
    <div class="entry-row">
      <Hint term="label" class="entry">
        {(describedBy) => (
          <>
            <label for="label">Label</label>
            <select
              id="label"
              aria-describedby={describedBy}
              value={table.label.length > 1 ? table.label.join(", ") : label}
              onChange={async (event) => {
                const select = event.currentTarget;
                await choose({ label: [select.value] });
                select.value = store.table.peek()?.label[0] ?? "";
              }}
            >
              {label === "" && <option value="">choose a column</option>}
              {table.label.length > 1 && <option>{table.label.join(", ")}</option>}
              {table.label_candidates.map((name) => (
                <option key={name} value={name}>
                  {name}
                </option>
              ))}
              {others.length > 0 && (
                <optgroup label="Unlikely">
                  {others.map((name) => (
                    <option key={name} value={name}>
                      {name}
                    </option>
                  ))}
                </optgroup>
              )}
            </select>
          </>
        )}
      </Hint>
      {table.task && (
        <div class="entry">
          <label for="task">Task</label>
          <select
            id="task"
            value={table.task}
            onChange={(event) => void choose({ task: event.currentTarget.value as "classification" | "regression" })}
          >
            <option value="classification">classification</option>
            <option value="regression">regression</option>
          </select>
        </div>
      )}
    </div>
  );
}
