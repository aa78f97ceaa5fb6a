/** What the colony varies: optimizers × learning rates × seeds. */
import { useState } from "preact/hooks";

import type { Settings, SettingsView } from "../protocol.ts";
import { useStore } from "../store.ts";
import { Entry } from "../ui/entry.tsx";
import { spreadRates } from "./arrange_members.ts";

type Optimizer = Settings["optimizer"];

interface Choice {
  readonly optimizers: readonly Optimizer[];
  readonly low: number;
  readonly high: number;
  readonly rates: number;
  readonly seeds: number;
  readonly epochs: number;
}

const FIRST: Omit<Choice, "optimizers" | "epochs"> = { low: 1e-4, high: 10, rates: 16, seeds: 1 };
const MOST_EPOCHS = 50;

function NumberField(props: {
  label: string;
  value: number;
  min: number;
  max: number;
  isWhole?: boolean;
  onChange: (value: number) => void;
}) {
  return (
    <label class="field">
      <span>{props.label}</span>
      <Entry
        type="number"
        min={props.min}
        max={props.max}
        step={props.isWhole ? 1 : "any"}
        value={props.value}
        enter={(input) => {
          if (input.reportValidity() && Number.isFinite(input.valueAsNumber)) props.onChange(input.valueAsNumber);
        }}
      />
    </label>
  );
}

export function ColonyForm({ view }: { readonly view: SettingsView }) {
  const store = useStore();
  const offered = view.choices.optimizers as readonly Optimizer[];
  const [choice, setChoice] = useState<Choice>({
    ...FIRST,
    optimizers: offered,
    epochs: Math.min(view.settings.epochs, MOST_EPOCHS),
  });
  const change = (part: Partial<Choice>): void => setChoice((before) => ({ ...before, ...part }));
  const rates = spreadRates(choice.low, choice.high, choice.rates);
  const networks = choice.optimizers.length * rates.length * choice.seeds;
  const start = (): void => {
    const { optimizers, seeds, epochs } = choice;
    void store.act({ type: "StartColony", learning_rates: rates, optimizers, seeds, epochs });
  };
  return (
    <form
      class="colony-form"
      onSubmit={(event) => {
        event.preventDefault();
        start();
      }}
    >
      <fieldset>
        <legend>Optimizers</legend>
        {offered.map((optimizer) => (
          <label key={optimizer} class="field">
            <input
              type="checkbox"
              checked={choice.optimizers.includes(optimizer)}
              onChange={(event) => {
                const { checked } = event.currentTarget;
                setChoice((before) => {
                  const optimizers = offered.filter((o) => (o === optimizer ? checked : before.optimizers.includes(o)));
                  return { ...before, optimizers };
                });
              }}
            />
            {optimizer}
          </label>
        ))}
      </fieldset>
      <div class="fields">
        <NumberField label="learning rates from" value={choice.low} min={1e-8} max={1e3} onChange={(low) => change({ low })} />
        <NumberField label="to" value={choice.high} min={1e-8} max={1e3} onChange={(high) => change({ high })} />
        <NumberField label="how many" value={choice.rates} min={1} max={64} isWhole onChange={(n) => change({ rates: n })} />
        <NumberField label="seeds" value={choice.seeds} min={1} max={32} isWhole onChange={(seeds) => change({ seeds })} />
        <NumberField label="epochs" value={choice.epochs} min={1} max={1e5} isWhole onChange={(epochs) => change({ epochs })} />
        <button type="submit" class="primary" disabled={networks === 0}>
          Train {networks.toLocaleString("en")} networks
        </button>
      </div>
    </form>
  );
}
