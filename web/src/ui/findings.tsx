/** Remarks about a table, a column or a run, each with what to do. */
import type { Finding } from "../protocol.ts";

const WORDS = { note: "Note", warning: "Warning", error: "Error" } as const;

export function Findings({ findings }: { readonly findings: readonly Finding[] }) {
  if (findings.length === 0) return null;
  return (
    <ul class="findings">
      {findings.map(({ severity, text, remedy, column }, i) => (
        <li key={i} class={`is-${severity}`}>
          <b>{WORDS[severity]}</b>
          <span>
            {column && <code>{column}</code>} {text} {remedy && <span class="remedy">{remedy}</span>}
          </span>
        </li>
      ))}
    </ul>
  );
}
