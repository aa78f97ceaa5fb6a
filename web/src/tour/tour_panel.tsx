/** The guided tour: twelve stops beside the page. The stop is in the address, so that it can be sent as a link. */
import { useEffect, useId, useState } from "preact/hooks";

import type { Request } from "../protocol.ts";
import { useStore, type Store } from "../store.ts";
import { Icon } from "../ui/icon.tsx";
import { BEGIN, isChapterNetwork, isChapterTable, TABLE } from "./chapter.ts";
import type { Facts } from "./facts.ts";
import { STOPS, stopPlace, type Stop } from "./stops.ts";
import { useFacts } from "./use_facts.ts";

/** The stops that were done, for as long as the page is open; leaving the tour does not forget them. */
const DONE = new WeakMap<Store, ReadonlySet<number>>();

function useDone(store: Store, place: number, isDone: boolean): ReadonlySet<number> {
  const [done, setDone] = useState<ReadonlySet<number>>(() => DONE.get(store) ?? new Set());
  useEffect(() => {
    if (!isDone || done.has(place)) return;
    const more = new Set([...done, place]);
    DONE.set(store, more);
    setDone(more);
  }, [store, place, isDone, done]);
  return done;
}

function goTo(store: Store, place: number): void {
  store.address.set({ tour: String(place + 1), view: STOPS[place]!.view });
}

/** Carry out requests one after the other, until one is refused. */
async function carryOut(store: Store, requests: readonly Request[]): Promise<void> {
  for (const request of requests) if ((await store.act(request)) === null) return;
}

async function begin(store: Store): Promise<void> {
  if (!isChapterTable(store.table.peek()) && (await store.act(TABLE)) === null) return;
  await store.act(BEGIN);
}

export function TourPanel() {
  const store = useStore();
  const id = useId();
  const place = stopPlace(store.address.get("tour"));
  const stop = STOPS[place]!;
  const [answer, setAnswer] = useState<{ readonly place: number; readonly text: string } | null>(null);
  const facts: Facts = { ...useFacts(place), answer: answer?.place === place ? answer.text : null };
  const isPrepared = isChapterTable(facts.table) && (place < 2 || isChapterNetwork(facts.settings));
  const done = useDone(store, place, isPrepared && stop.isDone(facts));
  useEffect(() => {
    // A link may name a stop alone.
    if (store.address.get("view") === null) goTo(store, place);
  }, [store, place]);
  return (
    <aside class="tour" aria-labelledby={id}>
      <div class="tour-page">
        <header>
          <label class="field">
            <span class="unseen">Stop of the tour</span>
            <select value={place} onChange={(event) => goTo(store, Number(event.currentTarget.value))}>
              {STOPS.map(({ title }, i) => (
                <option key={title} value={i}>
                  {i + 1} of {STOPS.length}: {title}
                  {done.has(i) ? " ✓" : ""}
                </option>
              ))}
            </select>
          </label>
          <button
            type="button"
            class="icon-button"
            aria-label="Leave the tour"
            title="Leave the tour"
            onClick={() => store.address.set({ tour: null })}
          >
            <Icon name="close" />
          </button>
        </header>
        <h2 id={id}>{stop.title}</h2>
        {stop.text.map((paragraph) => (
          <p key={paragraph}>{paragraph}</p>
        ))}
        {isPrepared ? (
          <Task stop={stop} facts={facts} isDone={done.has(place)} onAnswer={(text) => setAnswer({ place, text })} />
        ) : (
          <div class="task">
            <p>This stop is told on the table penguins-four and a network 4-5-5-3, which replace what is open now.</p>
            <button type="button" class="primary" onClick={() => void begin(store)}>
              Set them up
            </button>
          </div>
        )}
        <footer class="buttons">
          <button type="button" disabled={place === 0} onClick={() => goTo(store, place - 1)}>
            ‹ Back
          </button>
          <button
            type="button"
            class={done.has(place) ? "primary" : ""}
            disabled={place === STOPS.length - 1}
            onClick={() => goTo(store, place + 1)}
          >
            Next stop ›
          </button>
        </footer>
      </div>
    </aside>
  );
}

interface TaskProps {
  readonly stop: Stop;
  readonly facts: Facts;
  readonly isDone: boolean;
  readonly onAnswer: (text: string) => void;
}

function Task({ stop, facts, isDone, onAnswer }: TaskProps) {
  const store = useStore();
  const { choices, help } = stop;
  return (
    <div class={`task${isDone ? " is-done" : ""}`}>
      <p>
        <b>{isDone ? "✓ Done: " : "To do: "}</b>
        {stop.task}
      </p>
      {choices && (
        <div class="buttons" role="group" aria-label="Answers">
          {choices.map((choice) => (
            <button type="button" key={choice} aria-pressed={facts.answer === choice} onClick={() => onAnswer(choice)}>
              {choice}
            </button>
          ))}
        </div>
      )}
      {facts.answer !== null && !isDone && <p role="status">Not {facts.answer}. Look again.</p>}
      <div class="buttons">
        {facts.view !== stop.view && (
          <button type="button" onClick={() => store.show(stop.view)}>
            Go there
          </button>
        )}
        {help && !isDone && (
          <button type="button" onClick={() => void carryOut(store, help(facts))}>
            Do it for me
          </button>
        )}
      </div>
      <p class="unseen" role="status">
        {isDone ? `Done: ${stop.title}.` : ""}
      </p>
    </div>
  );
}
