/** The last line: why training does not run, and who else watches. */
import { useStore } from "../store.ts";
import { writeSentence } from "../ui/numbers.ts";

export function StatusLine() {
  const store = useStore();
  const { tick, welcome } = store;
  const { why = "", watchers = 1 } = tick.value ?? {};
  // How training has ended is told above the view, with what can be done.
  const isTold = store.status.value === "diverged" || store.status.value === "finished";
  return (
    <footer class="status-line">
      <span>{isTold ? "" : writeSentence(why)}</span>
      {watchers > 1 && <span class="quiet">{watchers} windows watch this session</span>}
      <span class="quiet version">{welcome.value && `Creche ${welcome.value.creche_version}`}</span>
    </footer>
  );
}
