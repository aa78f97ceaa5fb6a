/** The last line: why training does not run, and who else watches. */
import { useStore } from "../store.ts";
import { writeSentence } from "../ui/numbers.ts";

export function StatusLine() {
  const store = useStore();
  const { tick, welcome } = store;
  const watchers = welcome.value?.watchers ?? 1;
  return (
    <footer class="status-line">
      <span>{writeSentence(tick.value?.why ?? "")}</span>
      {watchers > 1 && <span class="quiet">{watchers} windows watch this session</span>}
      <span class="quiet version">{welcome.value && `Creche ${welcome.value.creche_version}`}</span>
    </footer>
  );
}
