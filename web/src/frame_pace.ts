/** When the page draws: with a frame of the browser, thirty times a second at most, or twice for little motion. */
import { isCalm } from "./preferences.ts";

export const CALM_RATE = 2;

/** A little less than the time between two ticks, so that a tick need not wait for the frame after the next. */
const SHORTEST_PAUSE = 25;

/** Calls `draw` once for any number of reasons to draw that come before the frame. */
export class FramePace {
  private lastDrawn = -Infinity;
  /** When the next drawing may begin. */
  private due = Infinity;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly draw: () => void) {}

  /** Draw with the next frame that is not too soon, or with one that is drawn anyway within `patience` milliseconds. */
  drawSoon(patience = 0): void {
    const now = performance.now();
    const pause = isCalm.peek() ? 1000 / CALM_RATE : SHORTEST_PAUSE;
    const due = Math.max(this.lastDrawn + pause, now + patience);
    if (due >= this.due) return;
    this.due = due;
    clearTimeout(this.timer);
    const draw = () => requestAnimationFrame(() => this.drawNow());
    if (due > now) this.timer = setTimeout(draw, due - now);
    else draw();
  }

  private drawNow(): void {
    this.due = Infinity;
    this.lastDrawn = performance.now();
    this.draw();
  }
}
