/** The long actions that people asked for. */
import { createResource, For, onCleanup, Show, type JSX } from "solid-js";
import { operations as api } from "../../api/calls.ts";
import type { Operation } from "../../api/types.ts";
import { NONE, words } from "../../format.ts";
import { epoch, listen, worker as read } from "../../live/store.ts";
import { Ago } from "../../live/time.tsx";
import { Loaded } from "../../parts/loaded.tsx";
import { Empty } from "../../parts/notice.tsx";
import { Pill } from "../../parts/status.tsx";
import { workerPath } from "../../router.ts";
import { nameOf, runTone } from "../../words.ts";

export function Operations(): JSX.Element {
  const [list, { refetch, mutate }] = createResource(
    () => epoch() + 1,
    async () => (await api.list()).body.items,
  );
  onCleanup(
    listen(({ type, data }) => {
      const told = data.operation as Operation | null | undefined;
      if (type !== "worker.operation_changed" || !told?.id) return;
      const one = { ...told, worker_id: String(data.id) };
      mutate((known) => known && [one, ...known.filter((operation) => operation.id !== one.id)]);
    }),
  );
  return (
    <section class="panel" aria-label="Operations">
      <Loaded of={list} what="The operations" retry={() => void refetch()} rows={8}>
        {(found) => (
          <Show
            when={found().length > 0}
            fallback={<Empty icon="jobs" title="Nothing was asked for yet" />}
          >
            <div class="table-box">
              <table class="cards">
                <thead>
                  <tr>
                    <th>Operation</th>
                    <th>Worker</th>
                    <th>State</th>
                    <th>Step</th>
                    <th>Begun</th>
                  </tr>
                </thead>
                <tbody>
                  <For each={found()}>{(operation) => <Row operation={operation} />}</For>
                </tbody>
              </table>
            </div>
          </Show>
        )}
      </Loaded>
    </section>
  );
}

function Row(props: { operation: Operation }): JSX.Element {
  const id = () =>
    props.operation.worker_id ?? props.operation.target?.replace(/^worker\//, "") ?? null;
  const step = () =>
    props.operation.steps?.findLast((one) => !/waiting|pending|queued/.test(one.state))?.name;
  return (
    <tr>
      <td class="job-name">{words(props.operation.kind)}</td>
      <td data-label="Worker">
        <Show when={id()} fallback={NONE}>
          {(worker) => (
            <a href={workerPath(worker())}>{read(worker()) ? nameOf(read(worker())!) : worker()}</a>
          )}
        </Show>
      </td>
      <td data-label="State">
        <Pill tone={runTone(props.operation.state)}>{words(props.operation.state)}</Pill>
      </td>
      <td data-label="Step" class="run-reason soft">
        {props.operation.reason ?? words(step())}
      </td>
      <td data-label="Begun" class="soft">
        <Ago at={props.operation.started_at} />
      </td>
    </tr>
  );
}
