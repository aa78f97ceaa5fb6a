import assert from "node:assert/strict";
import { test } from "node:test";
import { Address } from "../src/address.ts";

class FakeWindow extends EventTarget {
  readonly location: { hash: string; pathname: string };
  readonly visited: string[] = [];
  readonly history = {
    pushState: (_: unknown, __: string, address: string) => {
      this.visited.push(address);
      this.location.hash = address.startsWith("#") ? address : "";
    },
  };

  constructor(hash: string) {
    super();
    this.location = { hash, pathname: "/s/abc/" };
  }
}

function open(hash: string) {
  const window = new FakeWindow(hash);
  return { window, address: new Address(window as unknown as Window) };
}

test("a link opens what it names", () => {
  const { address } = open("#view=colony&tour=5");
  assert.deepEqual([address.get("view"), address.get("tour"), address.get("other")], ["colony", "5", null]);
});

test("what is shown is in the address, each once", () => {
  const { window, address } = open("");
  address.set({ view: "table" });
  address.set({ view: "table" });
  address.set({ tour: "2" });
  address.set({ view: null, tour: null });
  assert.deepEqual(window.visited, ["#view=table", "#view=table&tour=2", "/s/abc/"]);
});

test("going back in the browser is followed until the page is closed", () => {
  const { window, address } = open("#view=table");
  window.location.hash = "#view=predict";
  window.dispatchEvent(new Event("popstate"));
  assert.equal(address.get("view"), "predict");
  address.close();
  window.location.hash = "#view=keep";
  window.dispatchEvent(new Event("popstate"));
  assert.equal(address.get("view"), "predict");
});

test("a widget keeps its address to itself", () => {
  const address = new Address(null);
  address.set({ view: "fit" });
  assert.equal(address.get("view"), "fit");
});
