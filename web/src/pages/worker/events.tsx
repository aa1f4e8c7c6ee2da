/** What happened to this worker, newest first, moving as it happens. */
import { createMemo, createResource, For, Show, type JSX } from "solid-js";
import { events as api } from "../../api/calls.ts";
import type { CloudEvent, Worker } from "../../api/types.ts";
import { words } from "../../format.ts";
import { cursor, epoch, recent } from "../../live/store.ts";
import { Ago } from "../../live/time.tsx";
import { held, Loaded } from "../../parts/loaded.tsx";
import { Empty } from "../../parts/notice.tsx";
import { Panel } from "../../parts/panel.tsx";
import { gistOf } from "./gist.ts";

/** How far back in the log of all workers we look. */
const BACK = 500;

/** `io.ccm.worker.state_changed.v1` and `worker.state_changed` are the same type. */
export const shortType = (type: string) => type.replace(/^io\.ccm\./, "").replace(/\.v\d+$/, "");

export function EventsTab(props: { worker: Worker }): JSX.Element {
  const [log, { refetch }] = createResource(
    () => epoch(),
    async () => {
      const newest = Number(cursor());
      const after = Number.isFinite(newest) && newest > BACK ? String(newest - BACK) : null;
      return (await api.log(after, BACK)).body.items;
    },
  );
  const about = (event: CloudEvent) =>
    event.data?.id === props.worker.id ||
    event.data?.worker_id === props.worker.id ||
    event.subject === `worker/${props.worker.id}`;

  const list = createMemo(() => {
    const seen = new Set<string>();
    const past = held(log) ?? [];
    return [...recent(), ...[...past].reverse()].filter((event) => {
      const key = event.sequence ?? event.id;
      if (seen.has(key) || !about(event)) return false;
      seen.add(key);
      return true;
    });
  });

  return (
    <Panel title="Events" flush aside={<span class="dim panel-note">newest first, live</span>}>
      <Loaded of={log} what="The events" retry={() => void refetch()}>
        {() => (
          <Show
            when={list().length > 0}
            fallback={<Empty icon="clock" title="Nothing happened lately" />}
          >
            <ul class="feed" data-testid="events">
              <For each={list()}>{(event) => <Row event={event} />}</For>
            </ul>
          </Show>
        )}
      </Loaded>
    </Panel>
  );
}

function Row(props: { event: CloudEvent }): JSX.Element {
  const [, ...what] = shortType(props.event.type).split(".");
  const kind = shortType(props.event.type).startsWith("lab.") ? "Lab " : "";
  const gist = () => gistOf(shortType(props.event.type), props.event.data ?? {});
  return (
    <li>
      <details class="event">
        <summary class="feed-row">
          <span class="feed-time dim">
            <Ago at={props.event.time} />
          </span>
          <strong class="nowrap">{words(`${kind}${what.join(" ")}`)}</strong>
          <span class="soft cut">{gist()}</span>
          <span class="dim num feed-seq">{props.event.sequence}</span>
        </summary>
        <pre class="mono">{JSON.stringify(props.event.data, null, 2)}</pre>
      </details>
    </li>
  );
}
