/** What a column is used as, in the words of the page. */
import type { Column } from "../protocol.ts";
import type { Store } from "../store.ts";
import { agreesToLoss } from "./loss.ts";

export type Role = Column["role"];

export const ROLES = ["numeric", "categorical", "boolean", "datetime", "text", "identifier", "ignore"] as const;

export const ROLE_TITLES: Readonly<Record<Role, string>> = {
  numeric: "number",
  categorical: "category",
  boolean: "yes or no",
  datetime: "date or time",
  text: "text",
  identifier: "identifier",
  ignore: "not used",
};

/** Use a column as something else, which begins training anew: the person is asked where weights would be lost. */
export async function changeRole(store: Store, column: string, role: Role): Promise<void> {
  if (await agreesToLoss(store)) await store.act({ type: "ConfigureTable", roles: { [column]: role } });
}
