/** What ran, when, how long, and why it did not. */
import { createMemo, createResource, createSignal, For, onCleanup, Show, type JSX } from "solid-js";
import { runs as api } from "../../api/calls.ts";
import type { Run } from "../../api/types.ts";
import { NONE, words } from "../../format.ts";
import { epoch, listen, worker as read } from "../../live/store.ts";
import { Ago } from "../../live/time.tsx";
import { Button } from "../../parts/button.tsx";
import { Loaded } from "../../parts/loaded.tsx";
import { Empty } from "../../parts/notice.tsx";
import { Pill } from "../../parts/status.tsx";
import { complain, tell } from "../../parts/toast.tsx";
import { query, setQuery, workerPath } from "../../router.ts";
import { may } from "../../session.ts";
import { nameOf, runTone } from "../../words.ts";
import { patchRuns } from "./patch.ts";
import { short, tookOf } from "./schedules.tsx";

const STATES = ["queued", "running", "succeeded", "failed", "dead", "quarantined", "skipped"];

export function Runs(): JSX.Element {
  const filter = createMemo(() => ({
    schedule: query().get("schedule"),
    state: query().get("state"),
  }));
  const [names, setNames] = createSignal<readonly string[]>([]);
  const [list, { refetch, mutate }] = createResource(
    () => [epoch(), filter()] as const,
    async ([, by]) => {
      const items = await api.list(by);
      setNames((known) => merged(known, items));
      return items;
    },
  );
  const fits = (run: Run) =>
    (!filter().schedule || run.schedule === filter().schedule) &&
    (!filter().state || run.state === filter().state);
  onCleanup(listen((message) => mutate((known) => known && patchRuns(known, message, fits))));

  return (
    <>
      <div class="filters jobs-filters">
        <Choice
          label="Schedule"
          none="All schedules"
          value={filter().schedule}
          options={merged(names(), filter().schedule ? [{ schedule: filter().schedule }] : [])}
          choose={(value) => setQuery({ schedule: value })}
        />
        <Choice
          label="State"
          none="Any state"
          value={filter().state}
          options={STATES}
          choose={(value) => setQuery({ state: value })}
        />
      </div>
      <section class="panel" aria-label="Runs">
        <Loaded of={list} what="The runs" retry={() => void refetch()} rows={10}>
          {(found) => (
            <Show when={found().length > 0} fallback={<Empty icon="jobs" title="No runs" />}>
              <div class="table-box">
                <table class="cards">
                  <thead>
                    <tr>
                      <th>Job</th>
                      <th>State</th>
                      <th>Started</th>
                      <th class="right">Took</th>
                      <th class="right">Attempt</th>
                      <th>Result</th>
                      <th>
                        <span class="sr-only">Actions</span>
                      </th>
                    </tr>
                  </thead>
                  <tbody>
                    <For each={found()}>{(run) => <Row run={run} />}</For>
                  </tbody>
                </table>
              </div>
            </Show>
          )}
        </Loaded>
      </section>
    </>
  );
}

const merged = (known: readonly string[], found: readonly { schedule: string | null }[]) =>
  [...new Set([...known, ...found.map((run) => run.schedule).filter((s) => s !== null)])].sort();

function Choice(props: {
  label: string;
  none: string;
  value: string | null;
  options: readonly string[];
  choose: (value: string) => void;
}): JSX.Element {
  return (
    <select
      class="input"
      aria-label={props.label}
      value={props.value ?? ""}
      onChange={(event) => props.choose(event.currentTarget.value)}
    >
      <option value="">{props.none}</option>
      <For each={props.options}>
        {(option) => (
          <option value={option} selected={option === props.value}>
            {words(option)}
          </option>
        )}
      </For>
    </select>
  );
}

function Row(props: { run: Run }): JSX.Element {
  const counts = () =>
    Object.entries(props.run.counts ?? {})
      .map(([name, count]) => `${words(name).toLowerCase()} ${count}`)
      .join(" · ");
  const again = () => /^(dead|quarantined)$/.test(props.run.state ?? "");

  async function requeue(): Promise<void> {
    try {
      await api.requeue(props.run.id);
      tell("The run is queued again");
    } catch (error) {
      complain("The run was not queued again", error);
    }
  }

  return (
    <tr data-run={props.run.id}>
      <td>
        <span class="job-name">{words(props.run.schedule ?? props.run.kind)}</span>
        <Show when={props.run.worker_id}>
          {(id) => (
            <a class="under" href={workerPath(id())}>
              {read(id()) ? nameOf(read(id())!) : id()}
            </a>
          )}
        </Show>
      </td>
      <td data-label="State">
        <Pill tone={runTone(props.run.state)}>{words(props.run.state)}</Pill>
      </td>
      <td data-label="Started" class="soft">
        <Ago at={props.run.started_at ?? props.run.slot} />
      </td>
      <td data-label="Took" class="right num soft nowrap">
        {short(tookOf(props.run))}
      </td>
      <td data-label="Attempt" class="right num soft">
        {props.run.attempt ?? NONE}
      </td>
      <td data-label="Result" class="run-reason">
        <Show
          when={props.run.reason}
          fallback={<span class="soft num">{counts() || props.run.outcome || NONE}</span>}
        >
          <span>{props.run.reason}</span>
        </Show>
      </td>
      <td>
        <Show when={again() && may("admin")}>
          <span class="row-actions">
            <Button icon="refresh" onClick={() => void requeue()}>
              Requeue
            </Button>
          </span>
        </Show>
      </td>
    </tr>
  );
}
