import { useMemo } from "preact/hooks";

import { useStore, type WeightPlace } from "../store.ts";
import { sendLatest } from "../ui/latest.ts";

/** Return a function that tries a value of a weight, without giving it to the network. */
export function useTrial(place: WeightPlace | null): (value: number) => void {
  const store = useStore();
  return useMemo(() => {
    return sendLatest(async (value: number) => {
      const curve = place && (await store.act({ type: "Probe", ...place, value }));
      if (curve && store.selectedWeight.peek() === place) store.weightCurve.value = curve;
    });
  }, [store, place]);
}
