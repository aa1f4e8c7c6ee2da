/** The schedules: how often, what next, and the buttons. */
import { createResource, createSignal, For, onCleanup, Show, type JSX } from "solid-js";
import { schedules as api, tagOf } from "../../api/calls.ts";
import { cadenceChange } from "../../api/read.ts";
import type { Run, Schedule } from "../../api/types.ts";
import { duration, seconds, timeOf, words } from "../../format.ts";
import { epoch, listen, live, now } from "../../live/store.ts";
import { Ago, Until } from "../../live/time.tsx";
import { Button, IconButton } from "../../parts/button.tsx";
import { FormDialog } from "../../parts/dialog.tsx";
import { TextField } from "../../parts/field.tsx";
import { held, Loaded } from "../../parts/loaded.tsx";
import { Empty } from "../../parts/notice.tsx";
import { Status } from "../../parts/status.tsx";
import { complain, tell } from "../../parts/toast.tsx";
import { may } from "../../session.ts";
import { runTone } from "../../words.ts";
import { patchSchedules } from "./patch.ts";

const LOOK_MS = 3_000;

export function Schedules(): JSX.Element {
  const [list, { refetch, mutate }] = createResource(
    () => epoch() + 1,
    () => api.list(),
  );
  onCleanup(listen((message) => mutate((known) => known && patchSchedules(known, message))));
  // The next run moves without an event; we look again when it should have moved.
  const overdue = () =>
    (held(list) ?? []).some(
      (one) => one.enabled !== false && (timeOf(one.next_run) ?? now()) < now(),
    );
  const timer = setInterval(() => live() && !list.loading && overdue() && void refetch(), LOOK_MS);
  onCleanup(() => clearInterval(timer));
  return (
    <section class="panel" aria-label="Schedules">
      <Loaded of={list} what="The schedules" retry={() => void refetch()} rows={7}>
        {(found) => (
          <Show when={found().length > 0} fallback={<Empty icon="jobs" title="No schedules" />}>
            <div class="table-box">
              <table class="cards">
                <thead>
                  <tr>
                    <th>Job</th>
                    <th>Every</th>
                    <th>Next run</th>
                    <th>Last run</th>
                    <th>Took</th>
                    <th>
                      <span class="sr-only">Actions</span>
                    </th>
                  </tr>
                </thead>
                <tbody>
                  <For each={found().map((schedule) => schedule.name)}>
                    {(name) => (
                      <Show when={found().find((schedule) => schedule.name === name)}>
                        {(schedule) => <Row schedule={schedule()} />}
                      </Show>
                    )}
                  </For>
                </tbody>
              </table>
            </div>
          </Show>
        )}
      </Loaded>
    </section>
  );
}

export function tookOf(run: Partial<Run> | null): number | null {
  const [from, to] = [timeOf(run?.started_at), timeOf(run?.ended_at)];
  return from === null || to === null ? null : (to - from) / 1000;
}

function Row(props: { schedule: Schedule }): JSX.Element {
  const [editing, setEditing] = createSignal(false);
  const paused = () => props.schedule.enabled === false;
  const last = () => props.schedule.last_run;

  async function act(action: "trigger" | "pause" | "resume", done: string): Promise<void> {
    try {
      await api.act(props.schedule.name, action);
      tell(`${words(props.schedule.name)}: ${done}`);
    } catch (error) {
      complain(`${words(props.schedule.name)}: ${action} was refused`, error);
    }
  }

  return (
    <tr data-schedule={props.schedule.name}>
      <td>
        <a
          class="job-name"
          href={`/jobs?tab=runs&schedule=${encodeURIComponent(props.schedule.name)}`}
        >
          {words(props.schedule.name)}
        </a>
        <Show when={props.schedule.description}>
          <span class="under">{props.schedule.description}</span>
        </Show>
      </td>
      <td data-label="Every" class="num nowrap">
        {often(props.schedule.every)}
      </td>
      <td data-label="Next run">
        <Show when={!paused()} fallback={<Status tone="quiet">Paused</Status>}>
          <Until at={props.schedule.next_run} />
        </Show>
      </td>
      <td data-label="Last run">
        <Show when={last()?.state} fallback={<span class="dim">never</span>}>
          <Status tone={runTone(last()?.state)} pulse={runTone(last()?.state) === "busy"}>
            <Ago at={last()?.ended_at ?? last()?.started_at} />
          </Status>
        </Show>
      </td>
      <td data-label="Took" class="num soft nowrap">
        {short(tookOf(last() ?? null))}
      </td>
      <td>
        <span class="row-actions">
          <Show when={may("admin")}>
            <IconButton
              icon="play"
              label={`Run ${words(props.schedule.name)} now`}
              onClick={() => void act("trigger", "runs now")}
            />
            <Show
              when={paused()}
              fallback={
                <IconButton
                  icon="pause"
                  label={`Pause ${words(props.schedule.name)}`}
                  onClick={() => void act("pause", "paused")}
                />
              }
            >
              <Button onClick={() => void act("resume", "resumed")}>Resume</Button>
            </Show>
            <IconButton
              icon="settings"
              label={`Change ${words(props.schedule.name)}`}
              onClick={() => setEditing(true)}
            />
          </Show>
        </span>
        <Show when={editing()}>
          <Edit schedule={props.schedule} close={() => setEditing(false)} />
        </Show>
      </td>
    </tr>
  );
}

/** A period in words; a cron expression as it is. */
function often(every: Schedule["every"]): string {
  const s = seconds(every);
  return s === null && typeof every === "string" ? every : duration(s);
}

export const short = (s: number | null) =>
  s === null ? "–" : s < 10 ? `${s.toFixed(1)} s` : duration(s);

function Edit(props: { schedule: Schedule; close: () => void }): JSX.Element {
  const before = props.schedule;
  const [every, setEvery] = createSignal(String(seconds(before.every) ?? ""));
  const valid = () => Number(every()) >= 1;
  async function submit(): Promise<void> {
    await api.change(before.name, cadenceChange(before, Number(every())), tagOf(before));
  }
  return (
    <FormDialog
      title={words(before.name)}
      action="Save"
      ready={valid()}
      submit={submit}
      close={props.close}
    >
      <TextField
        label="Every"
        type="number"
        min={1}
        unit="seconds"
        value={every()}
        onInput={setEvery}
        hint={valid() ? `That is every ${duration(Number(every()))}.` : "At least one second."}
        autofocus
      />
    </FormDialog>
  );
}
