/** Which rows the evaluation and the largest errors are about. */
import { type Partition, useStore } from "../store.ts";

export function PartitionSelect() {
  const store = useStore();
  const table = store.table.value;
  const parts: readonly [Partition, string, number][] = [
    ["train", "training rows", table?.train_rows ?? 0],
    ["validation", "validation rows", table?.validation_rows ?? 0],
    ["test", "test rows", table?.test_rows ?? 0],
  ];
  return (
    <label>
      <span class="unseen">Rows</span>
      <select
        value={store.partition.value}
        onChange={(event) => {
          store.partition.value = event.currentTarget.value as Partition;
        }}
      >
        {parts.map(([partition, title, rows]) => (
          <option key={partition} value={partition} disabled={rows === 0}>
            {title}
          </option>
        ))}
      </select>
    </label>
  );
}
