import type { RefObject } from "preact";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";

/**
 * Keep the keyboard where it is when what had the focus goes, as a neuron does with its layer: then `fallback` gets it.
 * `shape` is what changes when something may go.
 */
export function useKeptFocus(frame: RefObject<HTMLElement | null>, shape: string, fallback: () => HTMLElement | null | undefined): void {
  const isInside = useRef(false);
  useEffect(() => {
    const note = ({ target }: FocusEvent): void => void (isInside.current = frame.current?.contains(target as Node) ?? false);
    document.addEventListener("focusin", note);
    return () => document.removeEventListener("focusin", note);
  }, [frame]);
  useLayoutEffect(() => {
    if (isInside.current && document.activeElement === document.body) fallback()?.focus({ preventScroll: true });
  }, [shape]);
}
