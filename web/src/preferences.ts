/** How a person wants the page to look, kept in the browser where it allows that. */
import { computed, effect, signal } from "@preact/signals";

export type Theme = "auto" | "light" | "dark";

const read = (key: string): string | null => {
  try {
    return localStorage.getItem(`creche.${key}`);
  } catch {
    return null;
  }
};
const write = (key: string, value: string): void => {
  try {
    localStorage.setItem(`creche.${key}`, value);
  } catch {
    // Without storage a preference lasts as long as the page.
  }
};
const media = (query: string) => {
  const list = window.matchMedia(query);
  const matches = signal(list.matches);
  list.addEventListener("change", () => {
    matches.value = list.matches;
  });
  return matches;
};

const stored = read("theme");
export const theme = signal<Theme>(stored === "light" || stored === "dark" ? stored : "auto");
const isDarkSystem = media("(prefers-color-scheme: dark)");
export const isDark = computed(() => (theme.value === "auto" ? isDarkSystem.value : theme.value === "dark"));

/** Whether the person asked for little motion: two drawings a second and no transitions. */
const motion = signal(read("motion"));
const isReducedSystem = media("(prefers-reduced-motion: reduce)");
export const isCalm = computed(() => (motion.value === null ? isReducedSystem.value : motion.value === "calm"));

export function setCalm(calm: boolean): void {
  motion.value = calm ? "calm" : "lively";
}

effect(() => write("theme", theme.value));
effect(() => {
  if (motion.value !== null) write("motion", motion.value);
});
