import assert from "node:assert/strict";
import { mock, test } from "node:test";

/** A browser whose frames come when the test says so. */
function fakeBrowser() {
  const frames: (() => void)[] = [];
  const timers = mock.timers;
  let now = 1000;
  Object.assign(globalThis, {
    window: { matchMedia: () => ({ matches: false, addEventListener: () => {} }) },
    requestAnimationFrame: (frame: () => void) => frames.push(frame),
  });
  mock.method(performance, "now", () => now);
  timers.enable({ apis: ["setTimeout"] });
  return {
    frame: () => frames.splice(0).forEach((draw) => draw()),
    waiting: () => frames.length,
    pass: (milliseconds: number) => {
      now += milliseconds;
      timers.tick(milliseconds);
    },
  };
}

const browser = fakeBrowser();

test("reasons to draw that come together make one drawing, and drawings keep a distance", async () => {
  const { FramePace } = await import("../src/frame_pace.ts");
  let drawn = 0;
  const pace = new FramePace(() => drawn++);
  pace.drawSoon();
  pace.drawSoon();
  assert.deepEqual([drawn, browser.waiting()], [0, 1]);
  browser.frame();
  assert.equal(drawn, 1);
  browser.pass(10);
  pace.drawSoon();
  pace.drawSoon();
  assert.equal(browser.waiting(), 0);
  browser.pass(20);
  assert.equal(browser.waiting(), 1);
  browser.frame();
  assert.equal(drawn, 2);
  browser.pass(40);
  pace.drawSoon();
  assert.equal(browser.waiting(), 1);
  browser.frame();
  assert.equal(drawn, 3);
});

test("what is patient waits for another drawing, but not for ever", async () => {
  const { FramePace } = await import("../src/frame_pace.ts");
  let drawn = 0;
  const pace = new FramePace(() => drawn++);
  pace.drawSoon(100);
  assert.equal(browser.waiting(), 0);
  pace.drawSoon();
  assert.equal(browser.waiting(), 1);
  browser.frame();
  assert.equal(drawn, 1);
  pace.drawSoon(100);
  browser.pass(99);
  assert.equal(browser.waiting(), 0);
  browser.pass(1);
  browser.frame();
  assert.equal(drawn, 2);
});
