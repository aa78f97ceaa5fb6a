/** The value of one feature: a slider with a number, a choice, or a text. Empty means missing. */
import { useId } from "preact/hooks";
import type { Field } from "../protocol.ts";

interface FieldInputProps {
  readonly field: Field;
  readonly value: string;
  readonly change: (text: string) => void;
}

export function FieldInput({ field, value, change }: FieldInputProps) {
  const id = useId();
  const { column, choices, low, high, step } = field;
  if (choices.length > 0) {
    return (
      <div class="entry">
        <label for={id}>{column}</label>
        <select id={id} value={value} onChange={(event) => change(event.currentTarget.value)}>
          <option value="">missing</option>
          {(choices.includes(value) || value === "" ? choices : [value, ...choices]).map((choice) => (
            <option key={choice} value={choice}>
              {choice}
            </option>
          ))}
        </select>
      </div>
    );
  }
  const hasSlider = low !== null && high !== null && low < high;
  const number = Number(value);
  return (
    <div class={`entry${hasSlider ? " with-slider" : ""}`}>
      <label for={id}>{column}</label>
      {hasSlider && (
        <input
          type="range"
          aria-label={`${column}, slider`}
          min={low}
          max={high}
          step={step ?? "any"}
          value={value === "" || Number.isNaN(number) ? (low + high) / 2 : number}
          onInput={(event) => change(event.currentTarget.value)}
        />
      )}
      <input
        id={id}
        type="text"
        inputMode={low === null ? "text" : "decimal"}
        placeholder="missing"
        value={value}
        onInput={(event) => change(event.currentTarget.value)}
      />
    </div>
  );
}
