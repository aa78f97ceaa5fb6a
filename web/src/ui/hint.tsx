/** Help at a term: shown when the pointer rests on it or the keyboard reaches it, and hidden by Escape. */
import type { ComponentChildren, TargetedEvent } from "preact";
import { useEffect, useId, useLayoutEffect, useRef, useState } from "preact/hooks";
import { HELP, type HelpTerm } from "../help.ts";

const DELAY = 350;
const MARGIN = 8;

interface HintProps {
  readonly term: HelpTerm;
  readonly class?: string;
  /** Whether a click shows the help, where it has nothing else to do. */
  readonly opensOnClick?: boolean;
  /** Gets the id of the text, for aria-describedby of the control that it describes. */
  readonly children: (describedBy: string) => ComponentChildren;
}

/** Wraps a control and what names it. */
export function Hint({ term, class: name = "", opensOnClick = false, children }: HintProps) {
  const id = useId();
  const [isOpen, setOpen] = useState(false);
  const tip = useRef<HTMLSpanElement>(null);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const later = (open: boolean) => {
    clearTimeout(timer.current);
    timer.current = setTimeout(() => setOpen(open), open ? DELAY : DELAY / 3);
  };
  useEffect(() => () => clearTimeout(timer.current), []);
  useLayoutEffect(() => {
    if (isOpen && tip.current) keepInside(tip.current);
  }, [isOpen]);
  return (
    <span
      class={`hinted ${name}`}
      onPointerEnter={(event) => event.pointerType === "mouse" && later(true)}
      onPointerLeave={() => later(false)}
      onFocusIn={(event: TargetedEvent) => (event.target as Element).matches(":focus-visible") && later(true)}
      onFocusOut={() => later(false)}
      onClick={() => opensOnClick && setOpen(true)}
      onKeyDown={(event) => {
        if (event.key !== "Escape" || !isOpen) return;
        event.stopPropagation();
        setOpen(false);
      }}
    >
      {children(id)}
      <span ref={tip} id={id} role="tooltip" class="tip" hidden={!isOpen}>
        {HELP[term]}
      </span>
    </span>
  );
}

/** A word with its help, where no control is. */
export function Term({ term, children }: { readonly term: HelpTerm; readonly children: ComponentChildren }) {
  return (
    <Hint term={term} opensOnClick>
      {(describedBy) => (
        <button type="button" class="term" aria-describedby={describedBy}>
          {children}
        </button>
      )}
    </Hint>
  );
}

function keepInside(tip: HTMLElement): void {
  tip.style.translate = "";
  const box = tip.getBoundingClientRect();
  const room = document.documentElement.clientWidth - MARGIN;
  if (box.right > room) tip.style.translate = `${Math.max(room - box.right, MARGIN - box.left)}px`;
}
