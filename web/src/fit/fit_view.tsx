/** The best model: `creche.fit` with its leaderboard, which fills in while it runs. */
import { useSignal } from "@preact/signals";
import { MetricTable } from "../evaluation/evaluation_panel.tsx";
import { KeepButton } from "../keep/keep_button.tsx";
import type { FitView as Fit } from "../protocol.ts";
import { useStore } from "../store.ts";
import { Entry } from "../ui/entry.tsx";
import { Hint, Term } from "../ui/hint.tsx";
import { writeCount, writeNumber, writePercent } from "../ui/numbers.ts";
import { Panel } from "../ui/panel.tsx";
import { usePart } from "../ui/part.tsx";

const EFFORTS = { fast: "fast: seconds", default: "default", best: "best: minutes" } as const;
const MOST_CANDIDATES = 15;
type Effort = keyof typeof EFFORTS;

export function FitView() {
  const fit = useStore().fit.value;
  return (
    <div class="fit-view">
      <Panel title={<Term term="fit">The best model</Term>} class="fit-start">
        <p class="measure">
          Creche looks for a better model of this table than the network at hand: other settings, other ways to see the
          columns, and several networks together. It trains on its own; the network of the view “Network” stays as it
          is.
        </p>
        <StartFit />
        {fit && <Progress fit={fit} />}
      </Panel>
      {fit && fit.status !== "running" && <Result fit={fit} />}
      {fit && <Leaderboard fit={fit} />}
    </div>
  );
}

function StartFit() {
  const store = useStore();
  const effort = useSignal<Effort>("fast");
  const limit = useSignal<number | null>(60);
  const isRunning = store.fit.value?.status === "running";
  const offered = store.settings.value?.choices.efforts ?? (["fast", "default", "best"] as const);
  return (
    <div class="entry-row">
      <Hint term="effort" class="entry">
        {(describedBy) => (
          <>
            <label for="fit-effort">Effort</label>
            <select
              id="fit-effort"
              aria-describedby={describedBy}
              value={effort.value}
              onChange={(event) => {
                effort.value = event.currentTarget.value as Effort;
              }}
            >
              {offered.map((name) => (
                <option key={name} value={name}>
                  {EFFORTS[name]}
                </option>
              ))}
            </select>
          </>
        )}
      </Hint>
      <div class="entry">
        <label for="fit-limit">At most (seconds)</label>
        <Entry
          id="fit-limit"
          type="number"
          min={1}
          step={1}
          placeholder="no limit"
          value={limit.value ?? ""}
          enter={({ valueAsNumber: wanted }) => {
            limit.value = wanted > 0 ? wanted : null;
          }}
        />
      </div>
      {isRunning ? (
        <button type="button" onClick={() => void store.act({ type: "Cancel", work: "fit" })}>
          Stop
        </button>
      ) : (
        <button
          type="button"
          class="primary"
          onClick={() => void store.act({ type: "StartFit", effort: effort.value, time_limit: limit.value })}
        >
          {store.fit.value ? "Search again" : "Search"}
        </button>
      )}
    </div>
  );
}

function Progress({ fit }: { readonly fit: Fit }) {
  return (
    <>
      {fit.status === "running" && <progress value={fit.done} max={1} aria-label="Progress of the search" />}
      <p aria-live="polite">{fit.text}</p>
    </>
  );
}

function Leaderboard({ fit }: { readonly fit: Fit }) {
  const isOver = fit.status !== "running";
  const [candidates, others] = usePart(fit.candidates, MOST_CANDIDATES, "candidates");
  return (
    <Panel title="Candidates" class="leaderboard">
      <div class="scroll">
        <table>
          <thead>
            <tr>
              <th scope="col" class="number">
                no.
              </th>
              <th scope="col">network</th>
              <th scope="col" class="number">
                <Term term="score">{fit.metric}</Term>
              </th>
              <th scope="col" class="number">
                epochs
              </th>
              <th scope="col" class="number">
                <Term term="weight_in_model">share</Term>
              </th>
            </tr>
          </thead>
          <tbody>
            {candidates.map(({ number, title, score, weight, epochs }) => (
              <tr key={number} class={weight > 0 ? "is-kept" : isOver ? "is-left-out" : ""}>
                <th scope="row" class="number">
                  {number}
                </th>
                <td class="wraps">{title}</td>
                <td class="number">{score === null ? "…" : writeNumber(score)}</td>
                <td class="number">{epochs === null ? "–" : writeCount(epochs)}</td>
                <td class="number">{weight > 0 ? writePercent(weight) : isOver ? "left out" : ""}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {others}
    </Panel>
  );
}

function Result({ fit }: { readonly fit: Fit }) {
  return (
    <Panel title="The result" class="fit-result" aside={<KeepButton what="fit" title="Download the model" />}>
      {fit.metrics.length > 0 && <MetricTable metrics={fit.metrics} predictor="model" />}
      {fit.calibration.length > 0 && (
        <>
          <h3>
            <Term term="calibration">Calibration</Term>
          </h3>
          {fit.calibration.map((line) => (
            <p key={line}>{line}</p>
          ))}
        </>
      )}
      {fit.importances.length > 0 && <Importances fit={fit} />}
    </Panel>
  );
}

function Importances({ fit }: { readonly fit: Fit }) {
  const largest = Math.max(...fit.importances.map(({ value }) => value), Number.MIN_VALUE);
  return (
    <>
      <h3>
        <Term term="importance">Feature importance</Term>
      </h3>
      <ul class="bars">
        {fit.importances.map(({ name, value, low, high }) => (
          <li key={name}>
            <span class="bar-name">{name}</span>
            <span class="bar-track" aria-hidden="true">
              <span class="bar" style={{ width: `${Math.max(0, (100 * value) / largest)}%` }} />
            </span>
            <span class="bar-number">
              {writeNumber(value, 3)}
              {low !== null && high !== null && (
                <span class="quiet">
                  {" "}
                  ({writeNumber(low, 3)} to {writeNumber(high, 3)})
                </span>
              )}
            </span>
          </li>
        ))}
      </ul>
    </>
  );
}
