/** A row of buttons that the arrow keys walk along. */
import type { ComponentChildren } from "preact";

export function Toolbar({ label, children }: { readonly label: string; readonly children: ComponentChildren }) {
  return (
    <div class="toolbar" role="toolbar" aria-label={label} onKeyDown={walk}>
      {children}
    </div>
  );
}

function walk(event: KeyboardEvent & { currentTarget: HTMLElement }): void {
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  const target = event.target as HTMLElement;
  if (!step || target.tagName !== "BUTTON") return;
  const buttons = [...event.currentTarget.querySelectorAll<HTMLButtonElement>("button:not(:disabled)")];
  const next = buttons[(buttons.indexOf(target as HTMLButtonElement) + step + buttons.length) % buttons.length];
  next?.focus();
  event.preventDefault();
}
