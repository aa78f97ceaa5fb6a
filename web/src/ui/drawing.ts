/** Drawing on a canvas: once for each change of the signals that the drawing reads, at the size that it has. */
import { effect, signal } from "@preact/signals";
import type { RefObject } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import { isDark } from "../preferences.ts";

/** The size of an element without padding in CSS pixels, as a signal; zero until it is laid out. */
export function useSize(element: RefObject<Element | null>) {
  const size = useRef(signal({ width: 0, height: 0 })).current;
  useLayoutEffect(() => {
    const target = element.current;
    if (!target) return;
    const take = ({ width, height }: DOMRectReadOnly): void => {
      const [wide, high] = [Math.round(width), Math.round(height)];
      if (wide !== size.peek().width || high !== size.peek().height) size.value = { width: wide, height: high };
    };
    // The observer tells only after a frame has been drawn.
    take(target.getBoundingClientRect());
    const observer = new ResizeObserver(([entry]) => entry && take(entry.contentRect));
    observer.observe(target);
    return () => observer.disconnect();
  }, [element, size]);
  return size;
}

/** Draw on a canvas whenever a signal that `draw` reads, the canvas's size, or the colours change.
 *
 * `draw` gets a context whose unit is a CSS pixel, on an empty canvas, and the size of the canvas. `inputs` are what
 * `draw` uses beyond signals, as for `useEffect`; without a GPU a canvas is the dearest part of a frame, so they should
 * stay the same objects as long as the picture does. It is drawn in the frame that draws the component.
 */
export function useDrawing(
  canvas: RefObject<HTMLCanvasElement | null>,
  draw: (context: CanvasRenderingContext2D, width: number, height: number) => void,
  inputs: readonly unknown[] = [],
): void {
  const size = useSize(canvas);
  const scheme = isDark.value;
  useLayoutEffect(
    () =>
      effect(() => {
        const { width, height } = size.value;
        const target = canvas.current;
        const context = target?.getContext("2d");
        if (!target || !context || width === 0 || height === 0) return;
        const scale = window.devicePixelRatio || 1;
        if (target.width !== Math.round(width * scale) || target.height !== Math.round(height * scale)) {
          target.width = Math.round(width * scale);
          target.height = Math.round(height * scale);
        }
        context.setTransform(scale, 0, 0, scale, 0, 0);
        context.clearRect(0, 0, width, height);
        draw(context, width, height);
      }),
    [size, scheme, ...inputs],
  );
}

interface Colours {
  readonly scheme: string | undefined;
  readonly found: Map<string, string>;
}

const COLOURS = new WeakMap<Element, Colours>();

/** The value of a custom property of the style sheet, such as "--ink", on the page or widget that has the element.
 *
 * A style is computed anew after each change of the page, so a colour is asked for once in each scheme.
 */
export function colourOf(element: Element, property: string): string {
  const root = element.closest<HTMLElement>("[data-scheme]") ?? document.documentElement;
  const { scheme } = root.dataset;
  let colours = COLOURS.get(root);
  if (!colours || colours.scheme !== scheme) {
    colours = { scheme, found: new Map() };
    COLOURS.set(root, colours);
  }
  let colour = colours.found.get(property);
  if (colour === undefined) {
    colour = getComputedStyle(root).getPropertyValue(property).trim();
    colours.found.set(property, colour);
  }
  return colour;
}
