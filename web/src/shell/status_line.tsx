/** The last line: why training does not run, and whether the session is there. */
import { useStore } from "../store.ts";

export function StatusLine() {
  const store = useStore();
  const { isConnected, closing, tick, welcome } = store;
  const watchers = welcome.value?.watchers ?? 1;
  return (
    <footer class="status-line">
      <span>{tick.value?.why}</span>
      {watchers > 1 && <span class="quiet">{watchers} windows watch this session</span>}
      {isConnected.value === false && (
        <span class="lost" role="status">
          {closing.value ?? "The connection to the session is lost."} Trying again …
        </span>
      )}
      <span class="quiet version">{welcome.value && `Creche ${welcome.value.creche_version}`}</span>
    </footer>
  );
}
