/** What the page shows, in the part of its address after "#", so that it can be sent as a link and gone back to. */
import { signal } from "@preact/signals";

export const VIEWS = ["table", "train", "step", "colony", "fit", "predict", "keep"] as const;
export type ViewName = (typeof VIEWS)[number];

/** The address of a page is shared by all its parts; a widget in a notebook keeps its own and leaves the notebook's be. */
export class Address {
  readonly entries = signal<ReadonlyMap<string, string>>(new Map());

  constructor(private readonly window: Window | null) {
    if (!window) return;
    this.read();
    window.addEventListener("hashchange", this.read);
    window.addEventListener("popstate", this.read);
  }

  get(key: string): string | null {
    return this.entries.value.get(key) ?? null;
  }

  /** Change entries; null removes one. */
  set(changes: Readonly<Record<string, string | null>>): void {
    const entries = new Map(this.entries.peek());
    for (const [key, value] of Object.entries(changes)) {
      if (value === null) entries.delete(key);
      else entries.set(key, value);
    }
    this.entries.value = entries;
    const hash = new URLSearchParams([...entries]).toString();
    if (this.window && this.window.location.hash.slice(1) !== hash) {
      this.window.history.pushState(null, "", hash ? `#${hash}` : this.window.location.pathname);
    }
  }

  close(): void {
    this.window?.removeEventListener("hashchange", this.read);
    this.window?.removeEventListener("popstate", this.read);
  }

  private readonly read = (): void => {
    this.entries.value = new Map(new URLSearchParams(this.window?.location.hash.slice(1) ?? ""));
  };
}
