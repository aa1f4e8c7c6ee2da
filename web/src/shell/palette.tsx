/** Find a worker or a page by a few letters, and go there. */
import { createMemo, createSignal, For, onMount, Show, untrack, type JSX } from "solid-js";
import { fleet } from "../live/store.ts";
import { Dot } from "../parts/status.tsx";
import { Icon, type IconName } from "../parts/icon.tsx";
import { navigate, workerPath } from "../router.ts";
import { nameOf, stateTone } from "../words.ts";
import { rank } from "./rank.ts";
import { PAGES } from "./pages.ts";

const MOST = 12;

interface Entry {
  text: string;
  more: string;
  to: string;
  icon: IconName | null;
  tone: ReturnType<typeof stateTone>;
}

export function Palette(props: { close: () => void }): JSX.Element {
  const [text, setText] = createSignal("");
  const [at, setAt] = createSignal(0);
  let element!: HTMLDialogElement;
  onMount(() => element.showModal());
  // As it is now: a list that moves under the pointer is hard to hit.
  const known = untrack(fleet);

  const entries = createMemo(() => {
    const pages = PAGES.map((page): Entry => {
      return { text: page.text, more: "Page", to: page.to, icon: page.icon, tone: "quiet" };
    });
    const workers = known.map((worker): Entry => {
      const more = [worker.instance_id, worker.region, worker.state].filter(Boolean).join(" · ");
      return {
        text: nameOf(worker),
        more,
        to: workerPath(worker.id),
        icon: null,
        tone: stateTone(worker.state),
      };
    });
    return rank([...workers, ...pages], text(), (entry) => `${entry.text} ${entry.more}`).slice(
      0,
      MOST,
    );
  });

  function go(entry: Entry | undefined): void {
    if (entry === undefined) return;
    props.close();
    navigate(entry.to);
  }

  function press(event: KeyboardEvent): void {
    const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    if (step !== 0) {
      event.preventDefault();
      const length = Math.max(1, entries().length);
      setAt((n) => (n + step + length) % length);
    } else if (event.key === "Enter") {
      event.preventDefault();
      go(entries()[at()]);
    }
  }

  return (
    <dialog
      ref={element}
      class="dialog palette"
      aria-label="Find"
      onClose={() => props.close()}
      onClick={(event) => event.target === element && element.close()}
    >
      <div class="palette-head">
        <Icon name="search" />
        <input
          type="text"
          role="combobox"
          aria-label="Worker or page"
          aria-expanded="true"
          aria-controls="palette-list"
          aria-activedescendant={`palette-${at()}`}
          placeholder="Worker or page…"
          autocomplete="off"
          spellcheck={false}
          value={text()}
          onInput={(event) => {
            setText(event.currentTarget.value);
            setAt(0);
          }}
          onKeyDown={press}
        />
        <kbd>esc</kbd>
      </div>
      <ul id="palette-list" class="palette-list" role="listbox" aria-label="Found">
        <For each={entries()}>
          {(entry, i) => (
            <li
              id={`palette-${i()}`}
              role="option"
              aria-selected={i() === at()}
              class="palette-item"
              onPointerMove={() => setAt(i())}
              onClick={() => go(entry)}
            >
              <Show when={entry.icon} fallback={<Dot tone={entry.tone} />}>
                {(icon) => <Icon name={icon()} />}
              </Show>
              <span class="cut">{entry.text}</span>
              <span class="dim cut">{entry.more}</span>
            </li>
          )}
        </For>
      </ul>
      <Show when={entries().length === 0}>
        <p class="palette-none soft">Nothing is called like that.</p>
      </Show>
    </dialog>
  );
}
