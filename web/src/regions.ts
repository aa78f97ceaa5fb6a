/** The parts of the page that show the inside of a network, each in a folder of its own. */
import type { ComponentType } from "preact";
import { ColonyPanel } from "./colony/colony_panel.tsx";
import { NetworkPanel } from "./network/network_panel.tsx";
import { StepPanel } from "./step/step_panel.tsx";
import { TourPanel } from "./tour/tour_panel.tsx";
import { WeightPanel } from "./weight/weight_panel.tsx";

/** `network` and `weight` are in the view "train", `step` and `colony` are views, `tour` is the drawer at the side. */
export type RegionName = "network" | "weight" | "step" | "colony" | "tour";

export const REGIONS: Partial<Record<RegionName, ComponentType>> = {
  network: NetworkPanel,
  weight: WeightPanel,
  step: StepPanel,
  colony: ColonyPanel,
  tour: TourPanel,
};
