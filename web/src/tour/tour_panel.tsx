/** The guided tour: twelve stops beside the page. The stop is in the address, so that it can be sent as a link. */
import { useEffect, useId, useState } from "preact/hooks";

import { useStore, type Store } from "../store.ts";
import { Icon } from "../ui/icon.tsx";
import { BEGIN, isChapterNetwork, isChapterTable, TABLE } from "./chapter.ts";
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
async function carryOut(store: Store, stop: Stop): Promise<void> {
  for (const request of stop.help) if ((await store.act(request)) === null) return;
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
  const facts = useFacts(place);
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
          <Task stop={stop} isDone={done.has(place)} isHere={facts.view === stop.view} />
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

function Task({ stop, isDone, isHere }: { readonly stop: Stop; readonly isDone: boolean; readonly isHere: boolean }) {
  const store = useStore();
  return (
    <div class={`task${isDone ? " is-done" : ""}`}>
      <p>
        <b>{isDone ? "✓ Done: " : "To do: "}</b>
        {stop.task}
      </p>
      <div class="buttons">
        {!isHere && (
          <button type="button" onClick={() => store.show(stop.view)}>
            Go there
          </button>
        )}
        {stop.help.length > 0 && !isDone && (
          <button type="button" onClick={() => void carryOut(store, stop)}>
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
