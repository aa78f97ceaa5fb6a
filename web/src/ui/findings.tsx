/** Remarks about a table, a column or a run, each with what to do. */
import type { Finding } from "../protocol.ts";

const WORDS = { note: "Note", warning: "Warning", error: "Error" } as const;

interface FindingsProps {
  readonly findings: readonly Finding[];
  /** Whether they are shown where their column is, and need not name it. */
  readonly isAtColumn?: boolean;
}

export function Findings({ findings, isAtColumn = false }: FindingsProps) {
  if (findings.length === 0) return null;
  return (
    <ul class="findings">
      {findings.map(({ severity, text, remedy, column }, i) => (
        <li key={i} class={`is-${severity}`}>
          <b>{WORDS[severity]}</b>
          <span>
            {column && !isAtColumn && <code>{column}</code>} {text} {remedy && <span class="remedy">{remedy}</span>}
          </span>
        </li>
      ))}
    </ul>
  );
}
