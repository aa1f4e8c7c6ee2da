/** The health of every part and process, who leads, what waits, and who listens. */
import { createResource, For, onCleanup, Show, type JSX } from "solid-js";
import { system as api } from "../../api/calls.ts";
import { bytes, dateTime, NONE, timeOf, words } from "../../format.ts";
import { AsOf } from "../../live/as-of.tsx";
import type { StreamClient } from "../../api/types.ts";
import { epoch, listen, live } from "../../live/store.ts";
import { Ago } from "../../live/time.tsx";
import { Button, IconButton } from "../../parts/button.tsx";
import { held, Loaded } from "../../parts/loaded.tsx";
import { Empty } from "../../parts/notice.tsx";
import { Facts, Panel } from "../../parts/panel.tsx";
import { Status } from "../../parts/status.tsx";
import { complain } from "../../parts/toast.tsx";
import { may } from "../../session.ts";
import { runTone } from "../../words.ts";
import { faultsOf, split, type Row, type Value } from "./split.ts";
import "./system.css";

const EVERY_MS = 10_000;

export function SystemPage(): JSX.Element {
  const [found, { refetch, mutate }] = createResource(
    () => epoch() + 1,
    async () => (await api.get()).body,
  );
  const timer = setInterval(() => live() && void refetch(), EVERY_MS);
  onCleanup(() => clearInterval(timer));
  onCleanup(
    listen(({ type, data }) => {
      if (type === "system.health") mutate((known) => known && { ...known, ...data });
      if (type === "system.leader_changed") void refetch();
    }),
  );
  return (
    <>
      <header class="page-head">
        <h1>System</h1>
        <AsOf />
        <div class="page-actions">
          <Button icon="refresh" busy={found.loading} onClick={() => void refetch()}>
            Refresh
          </Button>
        </div>
      </header>
      <div class="stack" classList={{ stale: !live() }}>
        <Loaded of={found} what="The system's state" retry={() => void refetch()} rows={6}>
          {(body) => <Sections body={body()} />}
        </Loaded>
        <Streams />
      </div>
    </>
  );
}

function Sections(props: { body: Record<string, unknown> }): JSX.Element {
  const parts = () => split(props.body);
  return (
    <>
      <div class="system-grid">
        <Show when={parts().facts.length > 0}>
          <Panel title="About">
            <Facts items={parts().facts.map(([key, value]) => [words(key), cell(key, value)])} />
          </Panel>
        </Show>
        <For each={parts().groups}>
          {([name, values]) => (
            <Panel title={words(name)}>
              <Facts items={values.map(([key, value]) => [words(key), cell(key, value)])} />
            </Panel>
          )}
        </For>
      </div>
      <For each={parts().tables}>
        {([name, table]) => (
          <Panel title={words(name)} flush>
            <Show when={table.rows.length > 0} fallback={<p class="system-none dim">None</p>}>
              <Table columns={table.columns} rows={table.rows} />
            </Show>
          </Panel>
        )}
      </For>
    </>
  );
}

function Table(props: { columns: readonly string[]; rows: readonly Row[] }): JSX.Element {
  return (
    <div class="table-box">
      <table>
        <thead>
          <tr>
            <For each={props.columns}>{(column) => <th>{words(column)}</th>}</For>
          </tr>
        </thead>
        <tbody>
          <For each={props.rows}>
            {(row) => (
              <tr>
                <For each={props.columns}>
                  {(column) => <td>{cell(column, row[column] ?? null)}</td>}
                </For>
              </tr>
            )}
          </For>
        </tbody>
      </table>
    </div>
  );
}

/** A value as its name suggests it should be shown. */
function cell(name: string, value: Value): JSX.Element {
  if (value === null || value === "") return <span class="dim">{NONE}</span>;
  if (/^(state|status|health|ready|healthy)$/.test(name)) {
    const text = typeof value === "boolean" ? (value ? "yes" : "no") : String(value);
    return <Status tone={value === false ? "bad" : runTone(text)}>{words(text)}</Status>;
  }
  if (typeof value === "string" && /^\d{4}-\d\d-\d\dT/.test(value) && timeOf(value) !== null) {
    return name === "now" ? <span class="num">{dateTime(value)}</span> : <Ago at={value} />;
  }
  if (typeof value === "number") {
    if (/bytes$/.test(name)) return <span class="num">{bytes(value)}</span>;
    const unit = /_ms$/.test(name) ? " ms" : /_s(econds)?$/.test(name) ? " s" : "";
    const text = Number.isInteger(value) ? String(value) : value.toFixed(1);
    return (
      <span class="num">
        {text}
        {unit}
      </span>
    );
  }
  if (Array.isArray(value)) return listed(value);
  if (typeof value === "object") return <span class="mono">{JSON.stringify(value)}</span>;
  return (
    <span class={/(id|holder|address|version|commit)$/.test(name) ? "mono" : ""}>
      {String(value)}
    </span>
  );
}

/** A list within a table: the parts of a process, or words such as its roles. */
function listed(values: unknown[]): JSX.Element {
  const faults = faultsOf(values);
  if (faults === null) return values.join(", ");
  if (faults.length === 0) return <Status tone="ok">All well</Status>;
  return <Status tone="bad">{faults.join("; ")}</Status>;
}

function Streams(): JSX.Element {
  const [list, { refetch, mutate }] = createResource(
    () => epoch() + 1,
    () => api.streams(),
  );
  async function end(id: StreamClient["id"]): Promise<void> {
    try {
      await api.endStream(id);
      mutate((known) => known?.filter((stream) => stream.id !== id));
    } catch (error) {
      complain("The stream was not ended", error);
    }
  }
  return (
    <Panel
      title="Event streams"
      flush
      aside={
        <Show when={held(list)}>
          {(all) => <span class="dim num panel-note">{all().length} open</span>}
        </Show>
      }
    >
      <Loaded of={list} what="The streams" retry={() => void refetch()}>
        {(found) => (
          <Show when={found().length > 0} fallback={<Empty icon="system" title="Nobody listens" />}>
            <div class="table-box">
              <table>
                <thead>
                  <tr>
                    <th>Who</th>
                    <th>From</th>
                    <th>Since</th>
                    <th class="right">Sent</th>
                    <th class="right">Waiting</th>
                    <th class="right">Behind</th>
                    <th>
                      <span class="sr-only">Actions</span>
                    </th>
                  </tr>
                </thead>
                <tbody>
                  <For each={found()}>
                    {(stream) => (
                      <tr>
                        <td>{stream.user ?? NONE}</td>
                        <td class="mono">{stream.address ?? NONE}</td>
                        <td>
                          <Ago at={stream.connected_at} />
                        </td>
                        <td class="right num">{stream.sent ?? NONE}</td>
                        <td class="right num">{bytes(stream.pending_bytes)}</td>
                        <td class="right num">{stream.lag ?? NONE}</td>
                        <td>
                          <span class="row-actions">
                            <Show when={may("admin")}>
                              <IconButton
                                icon="close"
                                label={`End the stream of ${stream.user ?? stream.id}`}
                                onClick={() => void end(stream.id)}
                              />
                            </Show>
                          </span>
                        </td>
                      </tr>
                    )}
                  </For>
                </tbody>
              </table>
            </div>
          </Show>
        )}
      </Loaded>
    </Panel>
  );
}
