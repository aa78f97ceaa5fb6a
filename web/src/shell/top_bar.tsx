/** The head of the page: the name, the table, the views, and how the page looks. */
import type { ViewName } from "../address.ts";
import { isCalm, setCalm, type Theme, theme } from "../preferences.ts";
import { REGIONS } from "../regions.ts";
import { useStore } from "../store.ts";
import { Icon } from "../ui/icon.tsx";

const TITLES: Readonly<Record<ViewName, string>> = {
  table: "Table",
  train: "Network",
  step: "One step",
  colony: "Colony",
  fit: "Best model",
  predict: "Predict",
  keep: "Keep",
};

const NEXT_THEME: Readonly<Record<Theme, Theme>> = { auto: "light", light: "dark", dark: "auto" };
const THEME_ICONS = { auto: "half", light: "sun", dark: "moon" } as const;

export function TopBar() {
  const store = useStore();
  return (
    <header class="top-bar">
      <h1 class="brand">Creche</h1>
      <TableName />
      <nav aria-label="Views">
        <ul>
          {(Object.keys(TITLES) as ViewName[])
            .filter((view) => isThere(view))
            .map((view) => (
              <li key={view}>
                <button
                  type="button"
                  class="tab"
                  aria-current={store.view.value === view ? "page" : undefined}
                  disabled={view !== "table" && !store.network.value}
                  onClick={() => store.show(view)}
                >
                  {TITLES[view]}
                </button>
              </li>
            ))}
        </ul>
      </nav>
      <div class="switches">
        {REGIONS.tour && <TourSwitch />}
        <button
          type="button"
          class="icon-button"
          title="Help (?)"
          aria-label="Help"
          aria-keyshortcuts="?"
          onClick={() => {
            store.isHelpOpen.value = true;
          }}
        >
          <Icon name="help" />
        </button>
        <button
          type="button"
          class="icon-button"
          aria-pressed={isCalm.value}
          title={isCalm.value ? "Little motion: on" : "Little motion: off"}
          aria-label="Little motion"
          onClick={() => setCalm(!isCalm.value)}
        >
          <Icon name={isCalm.value ? "still" : "motion"} />
        </button>
        <button
          type="button"
          class="icon-button"
          title={`Colours: ${theme.value}`}
          aria-label={`Colours: ${theme.value}; change to ${NEXT_THEME[theme.value]}`}
          onClick={() => {
            theme.value = NEXT_THEME[theme.value];
          }}
        >
          <Icon name={THEME_ICONS[theme.value]} />
        </button>
      </div>
      {store.isBusy.value && <progress class="busy" aria-label="The session is at work" />}
    </header>
  );
}

function isThere(view: ViewName): boolean {
  return (view !== "step" && view !== "colony") || REGIONS[view] !== undefined;
}

function TableName() {
  const table = useStore().table.value;
  if (!table) return <span class="table-name" />;
  return (
    <span class="table-name">
      <b>{table.name}</b>
      <span class="quiet">
        {" "}
        {table.rows.toLocaleString("en")} rows{table.label.length > 0 && ` → ${table.label.join(", ")}`}
      </span>
    </span>
  );
}

function TourSwitch() {
  const { address } = useStore();
  const isOpen = address.get("tour") !== null;
  return (
    <button type="button" class="tab" aria-pressed={isOpen} onClick={() => address.set({ tour: isOpen ? null : "1" })}>
      Tour
    </button>
  );
}
