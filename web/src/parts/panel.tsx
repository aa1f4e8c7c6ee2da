/** Boxes with a heading, and lists of names and values inside them. */
import { createUniqueId, For, Show, type JSX } from "solid-js";

export function Panel(props: {
  title: string;
  aside?: JSX.Element;
  flush?: boolean;
  children: JSX.Element;
}): JSX.Element {
  const id = createUniqueId();
  return (
    <section class="panel" aria-labelledby={id}>
      <header class="panel-head">
        <h2 id={id}>{props.title}</h2>
        <Show when={props.aside}>
          <div class="panel-aside">{props.aside}</div>
        </Show>
      </header>
      <div class="panel-body" classList={{ flush: props.flush === true }}>
        {props.children}
      </div>
    </section>
  );
}

export function Facts(props: {
  items: readonly [string, JSX.Element][];
  /** In as many columns as there is room for. */
  wide?: boolean;
}): JSX.Element {
  return (
    <dl class="facts" classList={{ wide: props.wide === true }}>
      <For each={props.items}>
        {([name, value]) => (
          <div class="fact">
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        )}
      </For>
    </dl>
  );
}

export function Tabs(props: {
  label: string;
  items: readonly { key: string; text: string; count?: number | null }[];
  current: string;
  select: (key: string) => void;
}): JSX.Element {
  const item = (key: string) => props.items.find((one) => one.key === key);
  const index = () => props.items.findIndex((item) => item.key === props.current);
  let list!: HTMLDivElement;
  function move(event: KeyboardEvent): void {
    const step = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
    if (step === 0) return;
    event.preventDefault();
    const next = props.items.at((index() + step) % props.items.length);
    if (next === undefined) return;
    props.select(next.key);
    list.querySelector<HTMLElement>(`[data-key="${next.key}"]`)?.focus();
  }
  return (
    <div class="tabs" role="tablist" aria-label={props.label} ref={list} onKeyDown={move}>
      {/* By key, so that a new count does not take the focus away. */}
      <For each={props.items.map((item) => item.key)}>
        {(key) => (
          <button
            type="button"
            role="tab"
            class="tab"
            id={`tab-${key}`}
            data-key={key}
            aria-selected={key === props.current}
            aria-controls="tab-panel"
            tabIndex={key === props.current ? 0 : -1}
            onClick={() => props.select(key)}
          >
            {item(key)?.text}
            <Show when={item(key)?.count != null}>
              <span class="tab-count num">{item(key)?.count}</span>
            </Show>
          </button>
        )}
      </For>
    </div>
  );
}
