/** A lab's topology as the server draws it. */
import { createSignal, For, onCleanup, onMount, Show, type JSX } from "solid-js";
import { labs as api } from "../../api/calls.ts";
import type { Lab } from "../../api/types.ts";
import { IconButton } from "../../parts/button.tsx";
import { Empty } from "../../parts/notice.tsx";
import { labState } from "../../words.ts";

interface Node {
  id: string;
  label: string | null;
  definition: string | null;
  state: string | null;
}

export function LabPicture(props: { lab: Lab; close: () => void }): JSX.Element {
  const [missing, setMissing] = createSignal(false);
  const title = () => props.lab.title ?? props.lab.id;
  const nodes = () => (Array.isArray(props.lab.nodes) ? (props.lab.nodes as Node[]) : []);
  let element!: HTMLDialogElement;
  let mounted = true;
  onMount(() => element.showModal());
  onCleanup(() => {
    mounted = false;
    element.close();
  });
  return (
    <dialog
      ref={element}
      class="dialog picture"
      aria-label={`Topology of ${title()}`}
      onClose={() => mounted && props.close()}
      onClick={(event) => event.target === element && element.close()}
    >
      <header class="dialog-head">
        <h2>{title()}</h2>
        <IconButton icon="close" label="Close" onClick={() => props.close()} />
      </header>
      <div class="dialog-body">
        <Show when={props.lab.description}>
          <p class="soft">{props.lab.description}</p>
        </Show>
        <Show
          when={!missing()}
          fallback={<Empty icon="labs" title="There is no picture of this topology" />}
        >
          <img
            class="topology"
            src={api.pictureAddress(props.lab)}
            alt={`${nodes().length} nodes and their links`}
            onError={() => setMissing(true)}
          />
        </Show>
        <Show when={nodes().length > 0}>
          <ul class="tags">
            <For each={nodes()}>
              {(node) => (
                <li class="tag">
                  {node.label ?? node.id}{" "}
                  <span class="dim">{labState(node.state).text.toLowerCase()}</span>
                </li>
              )}
            </For>
          </ul>
        </Show>
      </div>
    </dialog>
  );
}
