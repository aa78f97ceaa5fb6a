/** Keeps the best networks of a colony as one model that averages them. */
import { useState } from "preact/hooks";

import { saveFile } from "../keep/save_file.ts";
import type { ColonyView } from "../protocol.ts";
import { useStore } from "../store.ts";
import { Entry } from "../ui/entry.tsx";

export function EnsembleKeeper({ colony }: { readonly colony: ColonyView }) {
  const store = useStore();
  const ranked = colony.members.filter((member) => member.rank !== null).length;
  const [wanted, setWanted] = useState(16);
  const size = Math.max(1, Math.min(wanted, ranked));
  const keep = async (): Promise<void> => {
    const file = await store.act({ type: "Keep", what: "ensemble", size });
    if (file) saveFile(file);
  };
  if (colony.status === "running" || ranked === 0) return null;
  return (
    <span class="field">
      <label class="field">
        <span>Ensemble of the best</span>
        <Entry
          type="number"
          min={1}
          max={ranked}
          value={size}
          enter={({ valueAsNumber: wanted }) => setWanted(wanted || 1)}
        />
      </label>
      <button type="button" onClick={() => void keep()}>
        Keep
      </button>
    </span>
  );
}
