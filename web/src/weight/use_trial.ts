import { useMemo, useState } from "preact/hooks";

import type { WeightCurve } from "../protocol.ts";
import { useStore, type WeightPlace } from "../store.ts";
import { sendLatest } from "../ui/latest.ts";

interface Trial {
  /** The curve at the value that is tried; null for none, and after the network has gone on. */
  readonly curve: WeightCurve | null;
  readonly tryValue: (value: number) => void;
  readonly discard: () => void;
}

/** Try values of a weight, without giving them to the network. */
export function useTrial(place: WeightPlace | null): Trial {
  const store = useStore();
  const [tried, setTried] = useState<{ place: WeightPlace; step: number; curve: WeightCurve } | null>(null);
  const step = store.tick.value?.step ?? 0;
  const tryValue = useMemo(() => {
    return sendLatest(async (value: number) => {
      const before = store.tick.peek()?.step ?? 0;
      const curve = place && (await store.act({ type: "Probe", ...place, value }));
      if (curve) setTried({ place, step: before, curve });
    });
  }, [store, place]);
  const curve = tried !== null && tried.place === place && tried.step === step ? tried.curve : null;
  return { curve, tryValue, discard: () => setTried(null) };
}
