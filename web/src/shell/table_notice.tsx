/** Tells what is done to a table beside training, where that takes long, and offers to give it up. */
import { useStore } from "../store.ts";

export function TableNotice() {
  const store = useStore();
  const progress = store.tableProgress.value;
  return (
    <div role="status">
      {progress && (
        <div class="table-notice">
          <span>
            <b>{progress.name}</b>: {progress.doing} …
          </span>
          <progress aria-label={`${progress.name} is made ready`} />
          <button type="button" onClick={() => void store.act({ type: "Cancel", work: "table" })}>
            Cancel
          </button>
        </div>
      )}
    </div>
  );
}
