import { useEffect, useRef } from "preact/hooks";

import { useStore, type WeightPlace } from "../store.ts";

/** Return a function that tries a value of a weight. While one value is on its way, only the newest one waits. */
export function useTrial(place: WeightPlace | null): (value: number) => void {
  const store = useStore();
  const state = useRef({ isBusy: false, next: null as number | null });
  const key = JSON.stringify(place);
  useEffect(() => {
    state.current = { isBusy: false, next: null };
  }, [key]);
  const send = async (value: number): Promise<void> => {
    const own = state.current;
    own.isBusy = true;
    const curve = place && (await store.act({ type: "Probe", ...place, value }));
    if (own !== state.current) return;
    if (curve) store.weightCurve.value = curve;
    own.isBusy = false;
    const { next } = own;
    own.next = null;
    if (next !== null) void send(next);
  };
  return (value) => {
    if (state.current.isBusy) state.current.next = value;
    else void send(value);
  };
}
