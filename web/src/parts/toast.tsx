/** Short messages in a corner. Errors stay until they are dismissed; the others leave by themselves. */
import { createSignal, For, type JSX } from "solid-js";
import { reasonOf } from "../api/client.ts";
import { IconButton } from "./button.tsx";
import { Icon } from "./icon.tsx";

interface Toast {
  id: number;
  tone: "ok" | "bad";
  title: string;
  text: string;
}

const LINGER_MS = 5000;
const MOST = 4;

const [toasts, setToasts] = createSignal<Toast[]>([]);
let next = 1;

function show(tone: Toast["tone"], title: string, text: string): void {
  const id = next++;
  setToasts((list) => [...list.slice(1 - MOST), { id, tone, title, text }]);
  if (tone === "ok") setTimeout(() => dismiss(id), LINGER_MS);
}

const dismiss = (id: number) => setToasts((list) => list.filter((toast) => toast.id !== id));

export const tell = (title: string, text = "") => show("ok", title, text);
export const complain = (title: string, error: unknown) => show("bad", title, reasonOf(error));

export function Toasts(): JSX.Element {
  return (
    <div class="toasts" role="region" aria-label="Messages" aria-live="polite">
      <For each={toasts()}>
        {(toast) => (
          <div class={`toast tone-${toast.tone}`} role={toast.tone === "bad" ? "alert" : undefined}>
            <Icon name={toast.tone === "bad" ? "alert" : "check"} />
            <div class="toast-text">
              <p class="toast-title">{toast.title}</p>
              {toast.text !== "" && <p class="soft">{toast.text}</p>}
            </div>
            <IconButton icon="close" label="Dismiss" onClick={() => dismiss(toast.id)} />
          </div>
        )}
      </For>
    </div>
  );
}
