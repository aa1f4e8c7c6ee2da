/** The tags of an instance. Those of AWS itself cannot be changed. */
import { createSignal, For, Show, type JSX } from "solid-js";
import { tagOf } from "../../api/calls.ts";
import { workers as api } from "../../api/calls.ts";
import type { Worker } from "../../api/types.ts";
import { Button, IconButton } from "../../parts/button.tsx";
import { FormDialog } from "../../parts/dialog.tsx";
import { Panel } from "../../parts/panel.tsx";
import { may } from "../../session.ts";

const fixed = (key: string) => key.startsWith("aws:") || key === "Name";

export function TagsCard(props: { worker: Worker }): JSX.Element {
  const [editing, setEditing] = createSignal(false);
  const tags = () => Object.entries(props.worker.tags ?? {}).sort(([a], [b]) => a.localeCompare(b));
  return (
    <Panel
      title="Tags"
      aside={
        <Show when={may("admin")}>
          <Button kind="ghost" icon="tag" onClick={() => setEditing(true)}>
            Edit
          </Button>
        </Show>
      }
    >
      <Show when={tags().length > 0} fallback={<p class="dim">None</p>}>
        <ul class="tags">
          <For each={tags()}>
            {([key, value]) => (
              <li class="tag">
                <span class="dim">{key}</span> {value}
              </li>
            )}
          </For>
        </ul>
      </Show>
      <Show when={editing()}>
        <TagsDialog worker={props.worker} close={() => setEditing(false)} />
      </Show>
    </Panel>
  );
}

function TagsDialog(props: { worker: Worker; close: () => void }): JSX.Element {
  const before = props.worker;
  const [rows, setRows] = createSignal(
    Object.entries(before.tags ?? {})
      .filter(([key]) => !fixed(key))
      .map(([key, value]) => ({ key, value })),
  );
  const change = (at: number, part: Partial<{ key: string; value: string }>) =>
    setRows((list) => list.map((row, i) => (i === at ? Object.assign(row, part) : row)));

  async function submit(): Promise<void> {
    const own = rows()
      .filter((row) => row.key.trim() !== "")
      .map((row) => [row.key.trim(), row.value] as const);
    const current = await api.tags(before.id);
    await api.setTags(before.id, Object.fromEntries(own), current.etag ?? tagOf(before));
  }

  return (
    <FormDialog title="Tags" action="Save" submit={submit} close={props.close}>
      <ul class="tag-rows">
        <For each={rows()}>
          {(row, i) => (
            <li class="tag-row">
              <input
                class="input"
                aria-label={`Name of tag ${i() + 1}`}
                placeholder="name"
                value={row.key}
                onInput={(event) => change(i(), { key: event.currentTarget.value })}
              />
              <input
                class="input"
                aria-label={`Value of tag ${i() + 1}`}
                placeholder="value"
                value={row.value}
                onInput={(event) => change(i(), { value: event.currentTarget.value })}
              />
              <IconButton
                icon="trash"
                label={`Remove tag ${row.key}`}
                onClick={() => setRows((list) => list.filter((one) => one !== row))}
              />
            </li>
          )}
        </For>
      </ul>
      <div>
        <Button icon="plus" onClick={() => setRows((list) => [...list, { key: "", value: "" }])}>
          Add
        </Button>
      </div>
    </FormDialog>
  );
}
