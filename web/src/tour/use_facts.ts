import { useEffect, useRef, useState } from "preact/hooks";

import type { Request } from "../protocol.ts";
import { stagesOf } from "../step/stages.ts";
import { type Store, useStore } from "../store.ts";
import type { Facts } from "./facts.ts";

/** What pages ask by themselves tells nothing of what a person did. */
const BY_ITSELF: readonly Request["type"][] = ["Respond", "RespondSmall", "Watch", "Connect", "ShowRows", "TraceStep", "ExplainNeuron"];
const MOST_REQUESTS = 200;

function stageOf(store: Store): Facts["stage"] {
  const network = store.network.value;
  if (store.view.value !== "step" || !network) return null;
  const stages = stagesOf(network, store.table.value?.task ?? null, "");
  return stages[Number(store.address.get("stage") ?? 1) - 1] ?? null;
}

/** Collect what the check of a stop needs, except for an answer; the requests are those since `stop` was entered. */
export function useFacts(stop: number): Omit<Facts, "answer"> {
  const store = useStore();
  const [requests, setRequests] = useState<readonly Request[]>([]);
  const entered = useRef(stop);
  useEffect(() => {
    setRequests([]);
    entered.current = stop;
    let isFirst = true;
    return store.answered.subscribe((request) => {
      // A subscription begins with the value there is, which was asked before this stop.
      if (isFirst || !request || BY_ITSELF.includes(request.type)) isFirst = false;
      else setRequests((old) => [...old.slice(1 - MOST_REQUESTS), request]);
    });
  }, [store, stop]);
  return {
    view: store.view.value,
    table: store.table.value,
    settings: store.settings.value?.settings ?? null,
    network: store.network.value,
    tick: store.tick.value,
    curves: store.curves.value,
    colony: store.colony.value,
    stage: stageOf(store),
    requests: entered.current === stop ? requests : [],
  };
}
