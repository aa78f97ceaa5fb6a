/** The fields of a setting: a choice, a number, a rate on a logarithmic slider. */
import { useSignal } from "@preact/signals";
import { useId, useMemo, useRef } from "preact/hooks";
import type { HelpTerm } from "../help.ts";
import type { Settings } from "../protocol.ts";
import { useStore } from "../store.ts";
import { Entry } from "../ui/entry.tsx";
import { Hint } from "../ui/hint.tsx";
import { sendLatest } from "../ui/latest.ts";
import { writeWords } from "../ui/numbers.ts";

type SettingName = keyof Settings;
type NumberName = { [N in SettingName]: Settings[N] extends number ? N : never }[SettingName];
type WordName = { [N in SettingName]: Settings[N] extends string ? N : never }[SettingName];

interface FieldProps<N> {
  readonly name: N;
  readonly label: string;
  readonly term: HelpTerm;
  /** Whether the change begins training anew, which the field tells. */
  readonly restarts?: boolean;
}

export function ChoiceField({
  name,
  label,
  term,
  restarts,
  options,
}: FieldProps<WordName> & { readonly options: readonly string[] }) {
  const store = useStore();
  const id = useId();
  const value = store.settings.value?.settings[name];
  return (
    <Hint term={term} class="entry">
      {(describedBy) => (
        <>
          <FieldLabel id={id} label={label} restarts={restarts} />
          <select
            id={id}
            aria-describedby={describedBy}
            value={value}
            onChange={async (event) => {
              const select = event.currentTarget;
              if (!(await store.change({ [name]: select.value }))) select.value = value ?? "";
            }}
          >
            {options.map((option) => (
              <option key={option} value={option}>
                {writeWords(option)}
              </option>
            ))}
          </select>
        </>
      )}
    </Hint>
  );
}

interface NumberProps extends FieldProps<NumberName> {
  readonly min: number;
  readonly max?: number;
  readonly step?: number | "any";
}

export function NumberField({ name, label, term, restarts, min, max, step = "any" }: NumberProps) {
  const store = useStore();
  const id = useId();
  const value = store.settings.value?.settings[name];
  return (
    <Hint term={term} class="entry">
      {(describedBy) => (
        <>
          <FieldLabel id={id} label={label} restarts={restarts} />
          <Entry
            id={id}
            type="number"
            inputMode="decimal"
            aria-describedby={describedBy}
            {...{ min, max, step }}
            value={value ?? ""}
            enter={(input) => {
              const complaint = complainOf(input, label);
              if (complaint) return store.notify("failure", complaint);
              return input.value !== "" && store.change({ [name]: input.valueAsNumber });
            }}
          />
        </>
      )}
    </Hint>
  );
}

/** Return what is wrong with the number in a field; null if nothing is, or nothing was written. */
function complainOf({ validity, value, min, max, step }: HTMLInputElement, label: string): string | null {
  if (validity.valid) return null;
  const got = value === "" ? "" : `got ${value}; `;
  const kind = step === "1" ? "a whole number" : "a number";
  const range = min !== "" && max !== "" ? ` from ${min} to ${max}` : min !== "" ? ` of at least ${min}` : "";
  return `${label}: ${got}needs ${kind}${range}.`;
}

/** Each change of the rate becomes a part of how the model was made, so only where the slider rests counts. */
const REST = 150;

interface RateProps {
  readonly lowest: number;
  readonly highest: number;
}

/** The learning rate: a slider whose positions are powers of ten, and the number itself. */
export function RateField({ lowest, highest }: RateProps) {
  const store = useStore();
  const id = useId();
  const dragged = useSignal<number | null>(null);
  const rest = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const send = useMemo(
    () =>
      sendLatest(async (wanted: number) => {
        await store.change({ learning_rate: wanted });
        if (dragged.peek() === wanted) dragged.value = null;
      }),
    [store, dragged],
  );
  const rate = dragged.value ?? store.settings.value?.settings.learning_rate ?? lowest;
  return (
    <Hint term="learning_rate" class="entry rate-entry">
      {(describedBy) => (
        <>
          <label for={id}>Learning rate</label>
          <Entry
            type="number"
            aria-label="Learning rate as a number"
            aria-describedby={describedBy}
            min={0}
            step="any"
            value={rate}
            enter={({ valueAsNumber: wanted }) => {
              if (wanted > 0) return store.change({ learning_rate: wanted });
              return store.notify("failure", "The learning rate needs to be a number above 0.");
            }}
          />
          <input
            id={id}
            type="range"
            aria-describedby={describedBy}
            aria-valuetext={String(rate)}
            min={Math.log10(lowest)}
            max={Math.log10(highest)}
            step={0.02}
            value={Math.log10(rate)}
            onInput={(event) => {
              const chosen = Number((10 ** event.currentTarget.valueAsNumber).toPrecision(3));
              dragged.value = chosen;
              clearTimeout(rest.current);
              rest.current = setTimeout(() => send(chosen), REST);
            }}
          />
        </>
      )}
    </Hint>
  );
}

/** The widths of the hidden layers as text. */
export function HiddenField() {
  const store = useStore();
  const id = useId();
  const hidden = store.settings.value?.settings.hidden.join(", ") ?? "";
  return (
    <Hint term="hidden" class="entry">
      {(describedBy) => (
        <>
          <FieldLabel id={id} label="Hidden layers" restarts />
          <Entry
            id={id}
            type="text"
            inputMode="numeric"
            aria-describedby={describedBy}
            placeholder="none"
            value={hidden}
            enter={(input) => {
              const words = input.value.split(/[\s,;×]+|(?<=\d)-/).filter((word) => word !== "");
              const widths = words.map(Number);
              if (widths.every((width) => Number.isInteger(width) && width >= 1))
                return store.change({ hidden: widths });
              return store.notify(
                "failure",
                `Hidden layers: got "${input.value}".`,
                'Write whole numbers, such as "8, 8".',
              );
            }}
          />
        </>
      )}
    </Hint>
  );
}

function FieldLabel({
  id,
  label,
  restarts,
}: {
  readonly id: string;
  readonly label: string;
  readonly restarts?: boolean | undefined;
}) {
  return (
    <label for={id}>
      {label}
      {restarts && (
        <span class="restarts" title="Starts training anew">
          {" ↺"}
          <span class="unseen"> (starts training anew)</span>
        </span>
      )}
    </label>
  );
}
