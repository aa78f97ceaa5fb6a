/** The columns: a tiny histogram, the role, missing values, and what is strange about them. */
import type { Column, TableView } from "../protocol.ts";
import { useStore } from "../store.ts";
import { Findings } from "../ui/findings.tsx";
import { Term } from "../ui/hint.tsx";
import { writeCount, writePercent } from "../ui/numbers.ts";
import { usePart } from "../ui/part.tsx";
import { Histogram } from "./histogram.tsx";
import { changeRole, ROLE_TITLES, ROLES, type Role } from "./roles.ts";

const MOST_COLUMNS = 100;

export function ColumnTable({ table }: { readonly table: TableView }) {
  const [columns, others] = usePart(table.columns, MOST_COLUMNS, "columns");
  return (
    <div class="scroll">
      <table class="column-table">
        <thead>
          <tr>
            <th scope="col">column</th>
            <th scope="col">values</th>
            <th scope="col">
              <Term term="role">role</Term>
            </th>
            <th scope="col" class="number">
              <Term term="missing">missing</Term>
            </th>
            <th scope="col">summary</th>
          </tr>
        </thead>
        <tbody>
          {columns.map((column) => (
            <ColumnRow key={column.name} column={column} table={table} />
          ))}
        </tbody>
      </table>
      {others}
    </div>
  );
}

function ColumnRow({ column, table }: { readonly column: Column; readonly table: TableView }) {
  const store = useStore();
  const isLabel = table.label.includes(column.name);
  const change = async (select: HTMLSelectElement) => {
    await changeRole(store, column.name, select.value as Role);
    select.value = store.table.peek()?.columns.find(({ name }) => name === column.name)?.role ?? column.role;
  };
  return (
    <tr class={isLabel ? "is-label" : column.role === "ignore" ? "is-unused" : ""}>
      <th scope="row">{column.name}</th>
      <td>
        <Histogram column={column} />
      </td>
      <td>
        {isLabel ? (
          <b>label</b>
        ) : (
          <select
            aria-label={`Role of ${column.name}`}
            value={column.role}
            onChange={(event) => void change(event.currentTarget)}
          >
            {ROLES.map((role) => (
              <option key={role} value={role}>
                {ROLE_TITLES[role]}
                {role === column.inferred && role !== column.role ? " (found)" : ""}
              </option>
            ))}
          </select>
        )}
      </td>
      <td class="number">
        {column.missing === 0 ? (
          <span class="quiet">0</span>
        ) : (
          <>
            {writeCount(column.missing)} <span class="quiet">{writePercent(column.missing / table.rows)}</span>
          </>
        )}
      </td>
      <td class="wraps">
        {column.summary}
        <Findings findings={column.findings} isAtColumn />
      </td>
    </tr>
  );
}
