/** When the page draws: with the next frame of the browser, or twice a second if the person wants little motion. */
import { isCalm } from "./preferences.ts";

export const CALM_RATE = 2;

/** Calls `draw` once for any number of reasons to draw that come before the frame. */
export class FramePace {
  private isWaiting = false;
  private lastDrawn = 0;

  constructor(private readonly draw: () => void) {}

  drawSoon(): void {
    if (this.isWaiting) return;
    this.isWaiting = true;
    const wait = isCalm.peek() ? Math.max(0, this.lastDrawn + 1000 / CALM_RATE - performance.now()) : 0;
    setTimeout(() => requestAnimationFrame(() => this.drawNow()), wait);
  }

  private drawNow(): void {
    this.isWaiting = false;
    this.lastDrawn = performance.now();
    this.draw();
  }
}
