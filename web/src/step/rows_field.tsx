/** Chooses the rows of the step that is taken apart: the next batch, or rows by their numbers. */
import { useId, useState } from "preact/hooks";

import { useStore } from "../store.ts";
import { Entry } from "../ui/entry.tsx";
import { parseRows } from "./parse_rows.ts";

interface Props {
  /** Row numbers, counted from 1; empty for the next batch. */
  readonly rows: readonly number[];
  readonly onRows: (rows: readonly number[]) => void;
}

export function RowsField({ rows, onRows }: Props) {
  const total = useStore().table.value?.rows ?? 0;
  const id = useId();
  const [problem, setProblem] = useState("");
  return (
    <label class="field">
      <span>Rows</span>
      <Entry
        type="text"
        placeholder="the next batch"
        value={rows.join(", ")}
        aria-invalid={problem !== ""}
        aria-describedby={id}
        enter={({ value }) => {
          const parsed = parseRows(value, total);
          setProblem(typeof parsed === "string" ? parsed : "");
          if (typeof parsed !== "string") onRows(parsed);
        }}
      />
      <span id={id} role="status" class="problem">
        {problem}
      </span>
    </label>
  );
}
