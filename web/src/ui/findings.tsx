/** Remarks about a table, a column or a run, each with what to do. */
import type { Finding } from "../protocol.ts";
import { useStore } from "../store.ts";
import { changeRole, ROLE_TITLES } from "../table/roles.ts";

const WORDS = { note: "Note", warning: "Warning", error: "Error" } as const;

interface FindingsProps {
  readonly findings: readonly Finding[];
  /** Whether they are shown where their column is, and need not name it. */
  readonly isAtColumn?: boolean;
}

export function Findings({ findings, isAtColumn = false }: FindingsProps) {
  const store = useStore();
  if (findings.length === 0) return null;
  return (
    <ul class="findings">
      {findings.map(({ severity, text, remedy, column, role }, i) => (
        <li key={i} class={`is-${severity}`}>
          <b>{WORDS[severity]}</b>
          <span>
            {column && !isAtColumn && <code>{column}</code>} {text} {remedy && <span class="remedy">{remedy}</span>}
            {column && role && (
              <button type="button" class="link" onClick={() => void changeRole(store, column, role)}>
                {role === "ignore" ? "Leave it out" : `Use it as “${ROLE_TITLES[role]}”`}
                <span class="unseen">: {column}</span>
              </button>
            )}
          </span>
        </li>
      ))}
    </ul>
  );
}
