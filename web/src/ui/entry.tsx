/** A field in which a person writes: what they wrote stays until they enter it, whatever else changes on the page. */
import type { PartialInputHTMLAttributes } from "preact";
import { useState } from "preact/hooks";

type Attribute =
  "id" | "inputMode" | "placeholder" | "min" | "max" | "step" | "aria-label" | "aria-describedby" | "aria-invalid";

interface EntryProps extends Pick<PartialInputHTMLAttributes<HTMLInputElement>, Attribute> {
  readonly type: "text" | "number";
  /** What the field shows while nobody writes in it. */
  readonly value: string | number;
  /** Called when something was entered; what the field then shows is `value` again. */
  readonly enter: (input: HTMLInputElement) => unknown;
}

export function Entry({ value, enter, ...attributes }: EntryProps) {
  const [written, setWritten] = useState<string | null>(null);
  return (
    <input
      {...attributes}
      list={undefined}
      value={written ?? value}
      onInput={(event) => setWritten(event.currentTarget.value)}
      onChange={async (event) => {
        const input = event.currentTarget;
        const entered = input.value;
        await enter(input);
        setWritten((now) => (now === entered ? null : now)); // more may have been written meanwhile
        // A number that the browser cannot read counts as empty, so an empty value would not replace it.
        if (input.value === "") input.value = String(value);
      }}
    />
  );
}
