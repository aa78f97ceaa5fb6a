/** Opening a table: drop a file, choose one, or take a bundled one. */
import { useRef } from "preact/hooks";
import { useStore } from "../store.ts";
import { Icon } from "../ui/icon.tsx";
import { writePercent } from "../ui/numbers.ts";
import { openFile } from "./file_drop.tsx";
import { agreesToLoss } from "./loss.ts";

export function OpenTable() {
  const store = useStore();
  const input = useRef<HTMLInputElement>(null);
  const uploaded = store.uploaded.value;
  const choose = async (file: File | undefined) => {
    await openFile(store, file);
    if (input.current) input.current.value = "";
  };
  return (
    <div class="sources">
      <div class="drop">
        <Icon name="file" />
        <span>
          Drop a file here, or{" "}
          <label class="file-choice">
            choose one
            <input
              ref={input}
              type="file"
              class="unseen"
              aria-label="Choose a file with a table"
              onChange={(event) => void choose(event.currentTarget.files?.[0])}
            />
          </label>
        </span>
        <span class="quiet small">CSV, Excel, Parquet, Arrow, JSON and others. It stays on this machine.</span>
        {uploaded !== null && (
          <progress {...(uploaded > 0 && { value: uploaded })} max={1} aria-label="Upload">
            {writePercent(uploaded)}
          </progress>
        )}
      </div>
      <Bundled />
    </div>
  );
}

function Bundled() {
  const store = useStore();
  const datasets = store.welcome.value?.datasets ?? [];
  const open = async (dataset: string) => {
    if (await agreesToLoss(store)) await store.act({ type: "OpenTable", dataset });
  };
  return (
    <div class="bundled">
      <p class="quiet small">Or take one of the bundled tables:</p>
      <div class="buttons">
        {datasets.map((name) => (
          <button
            type="button"
            key={name}
            aria-pressed={store.table.value?.name === name}
            onClick={() => void open(name)}
          >
            {name}
          </button>
        ))}
      </div>
    </div>
  );
}
