/** Keyboard shortcuts: `g` and a letter to go, `/` to filter, `?` for this list. */
import { createSignal, For, onCleanup, onMount, Show, type JSX } from "solid-js";
import { navigate } from "../router.ts";
import { IconButton } from "../parts/button.tsx";

const PLACES: Record<string, { to: string; text: string }> = {
  f: { to: "/", text: "Fleet" },
  l: { to: "/labs", text: "Labs" },
  j: { to: "/jobs", text: "Jobs" },
  s: { to: "/settings", text: "Settings" },
  y: { to: "/system", text: "System" },
};

const LIST: [string, string][] = [
  ["Ctrl K", "Find a worker or a page"],
  ["/", "Filter this page"],
  ...Object.entries(PLACES).map(([key, place]): [string, string] => [
    `g ${key}`,
    `Go to ${place.text}`,
  ]),
  ["x", "Select the row in focus"],
  ["Esc", "Close what is open"],
  ["?", "This list"],
];

const typing = (target: EventTarget | null) =>
  target instanceof HTMLElement && target.closest("input, textarea, select, dialog") !== null;

export function Keys(props: { palette: () => void }): JSX.Element {
  const [open, setOpen] = createSignal(false);
  let went = 0;
  function press(event: KeyboardEvent): void {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
      event.preventDefault();
      props.palette();
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
    const place = PLACES[event.key];
    if (place !== undefined && Date.now() - went < 1200) navigate(place.to);
    else if (event.key === "?") setOpen(true);
    else if (event.key === "/") {
      const field = document.querySelector<HTMLInputElement>("input[data-filter]");
      if (field !== null) {
        event.preventDefault();
        field.focus();
        field.select();
      }
    }
    went = event.key === "g" ? Date.now() : 0;
  }
  onMount(() => addEventListener("keydown", press));
  onCleanup(() => removeEventListener("keydown", press));

  return (
    <Show when={open()}>
      <dialog
        class="dialog"
        aria-label="Keyboard shortcuts"
        ref={(element) => queueMicrotask(() => element.showModal())}
        onClose={() => setOpen(false)}
      >
        <header class="dialog-head">
          <h2>Keyboard</h2>
          <IconButton icon="close" label="Close" onClick={() => setOpen(false)} />
        </header>
        <dl class="dialog-body shortcuts">
          <For each={LIST}>
            {([keys, what]) => (
              <div class="shortcut">
                <dt>
                  <For each={keys.split(" ")}>{(key) => <kbd>{key}</kbd>}</For>
                </dt>
                <dd>{what}</dd>
              </div>
            )}
          </For>
        </dl>
      </dialog>
    </Show>
  );
}
