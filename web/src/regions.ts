/** The parts of the page that show the inside of a network, each in a folder of its own. */
import type { ComponentType } from "preact";

/** `network` and `weight` are in the view "train", `step` and `colony` are views, `tour` is the drawer at the side. */
export type RegionName = "network" | "weight" | "step" | "colony" | "tour";

export const REGIONS: Partial<Record<RegionName, ComponentType>> = {};
