/** The view that the address names. */
import { REGIONS } from "../regions.ts";
import { useStore } from "../store.ts";

export function View() {
  const store = useStore();
  const { Step, Colony, Network, Weight } = { Step: REGIONS.step, Colony: REGIONS.colony, Network: REGIONS.network, Weight: REGIONS.weight };
  switch (store.view.value) {
    case "step":
      return Step ? <Step /> : null;
    case "colony":
      return Colony ? <Colony /> : null;
    default:
      return (
        <div class="train-view">
          {Network && <Network />}
          {Weight && <Weight />}
        </div>
      );
  }
}
