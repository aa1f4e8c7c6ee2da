/** Light, dark, or as the system has it; remembered on this browser. */
import { createSignal } from "solid-js";

export type Theme = "system" | "light" | "dark";
const KEY = "ccm-theme";
const ORDER: Theme[] = ["system", "light", "dark"];

function remembered(): Theme {
  try {
    const value = localStorage.getItem(KEY);
    return ORDER.find((theme) => theme === value) ?? "system";
  } catch {
    return "system";
  }
}

const [theme, setTheme] = createSignal<Theme>(remembered());
export { theme };

export function applyTheme(next: Theme): void {
  setTheme(next);
  const root = document.documentElement;
  if (next === "system") delete root.dataset.theme;
  else root.dataset.theme = next;
  try {
    localStorage.setItem(KEY, next);
  } catch {
    // A browser that keeps nothing still shows the theme.
  }
}

export const cycleTheme = () =>
  applyTheme(ORDER[(ORDER.indexOf(theme()) + 1) % ORDER.length] ?? "system");
