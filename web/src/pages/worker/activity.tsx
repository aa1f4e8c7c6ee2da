/** Why a worker counts as idle or not: the verdict, every signal, the policy, and what people did. */
import { createEffect, createResource, createSignal, For, on, Show, type JSX } from "solid-js";
import { tagOf, workers as api } from "../../api/calls.ts";
import { policyOf } from "../../api/read.ts";
import type { IdleSignal, PowerChange, Worker } from "../../api/types.ts";
import { dateTime, duration, NONE, sentence, words } from "../../format.ts";
import { epoch } from "../../live/store.ts";
import { Ago, Until } from "../../live/time.tsx";
import { Button } from "../../parts/button.tsx";
import { CheckField, TextField } from "../../parts/field.tsx";
import { held, Loaded } from "../../parts/loaded.tsx";
import { Empty } from "../../parts/notice.tsx";
import { Facts, Panel } from "../../parts/panel.tsx";
import { Pill } from "../../parts/status.tsx";
import { complain, tell } from "../../parts/toast.tsx";
import { may } from "../../session.ts";
import { verdictWords } from "../../words.ts";

export function ActivityTab(props: { worker: Worker }): JSX.Element {
  const about = () => [props.worker.id, epoch()] as const;
  const [idle, { refetch }] = createResource(about, async ([id]) => api.idle(id));
  const [entries, past] = createResource(
    about,
    async ([id]) => (await api.activity(id)).body.items,
  );
  // What the stream says changes the explanation too.
  createEffect(
    on(
      () => `${JSON.stringify(props.worker.idle)}${props.worker.activity?.last_at}`,
      () => {
        void refetch();
        void past.refetch();
      },
      { defer: true },
    ),
  );
  return (
    <div class="columns">
      <div class="stack">
        <Loaded of={idle} what="The explanation" retry={() => void refetch()}>
          {(found) => (
            <Panel
              title="Why"
              flush
              aside={
                <Pill tone={verdictWords(found().body.verdict).tone}>
                  {verdictWords(found().body.verdict).text}
                </Pill>
              }
            >
              <div class="why">
                <p>{sentence(found().body.reason) || "No reason was given."}</p>
                <p class="soft">
                  <Show when={found().body.deadline} fallback="No deadline is set.">
                    Will be stopped <Until at={found().body.deadline} />, at{" "}
                    {dateTime(found().body.deadline)}.
                  </Show>
                </p>
              </div>
              <Signals signals={found().body.signals ?? []} />
            </Panel>
          )}
        </Loaded>
        <Panel title="What people did" flush>
          <Loaded of={entries} what="The activity" retry={() => void past.refetch()}>
            {(list) => (
              <Show
                when={list().length > 0}
                fallback={<Empty icon="user" title="Nobody used this worker yet" />}
              >
                <ul class="feed">
                  <For each={list()}>
                    {(entry) => (
                      <li class="feed-row">
                        <span class="feed-time dim">
                          <Ago at={entry.at} />
                        </span>
                        <strong class="nowrap">{words(entry.kind ?? entry.category)}</strong>
                        <span class="soft cut">
                          {[entry.user, entry.detail].filter(Boolean).join(" · ")}
                        </span>
                        <Show when={entry.counts === false}>
                          <span class="dim nowrap">does not count as use</span>
                        </Show>
                      </li>
                    )}
                  </For>
                </ul>
              </Show>
            )}
          </Loaded>
        </Panel>
      </div>
      <div class="stack">
        <Policy worker={props.worker} etag={held(idle)?.etag ?? null} />
        <Pauses worker={props.worker} />
        <Panel title="Use">
          <Facts
            items={[
              ["Last", <Ago at={props.worker.activity?.last_at} />],
              ["What", words(props.worker.activity?.last_kind)],
              [
                "In 24 hours",
                String(
                  props.worker.activity?.counted_24h ?? props.worker.activity?.count_24h ?? NONE,
                ),
              ],
            ]}
          />
        </Panel>
      </div>
    </div>
  );
}

function Pauses(props: { worker: Worker }): JSX.Element {
  const change = (one: PowerChange | null | undefined) => (
    <Show when={one} fallback={NONE}>
      {(it) => (
        <>
          <Ago at={it().at} />, {words(it().reason).toLowerCase()}
          <Show when={it().by && it().by !== it().reason}> by {it().by}</Show>
        </>
      )}
    </Show>
  );
  return (
    <Show when={props.worker.power}>
      {(power) => (
        <Panel title="Stops and starts">
          <Facts
            items={[
              ["Last stop", change(power().paused)],
              ["Last start", change(power().resumed)],
              ["Idle stops", String(power().auto_pauses ?? NONE)],
              ["Stops by people", String(power().manual_pauses ?? NONE)],
              ["From outside", String(power().external_pauses ?? NONE)],
            ]}
          />
        </Panel>
      )}
    </Show>
  );
}

function shown(value: unknown): string {
  if (value === null || value === undefined) return NONE;
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

function Signals(props: { signals: readonly IdleSignal[] }): JSX.Element {
  return (
    <Show when={props.signals.length > 0} fallback={<p class="why dim">No signal was seen yet.</p>}>
      <div class="table-box">
        <table>
          <thead>
            <tr>
              <th>Signal</th>
              <th>Value</th>
              <th>Seen</th>
              <th>From</th>
            </tr>
          </thead>
          <tbody>
            <For each={props.signals}>
              {(signal) => (
                <tr>
                  <td>
                    {words(signal.name)}{" "}
                    <Show when={signal.active}>
                      <Pill tone="ok">counts as use</Pill>
                    </Show>
                  </td>
                  <td class="mono">{shown(signal.value)}</td>
                  <td>
                    <Ago at={signal.at} />
                  </td>
                  <td class="soft">{signal.source ?? NONE}</td>
                </tr>
              )}
            </For>
          </tbody>
        </table>
      </div>
    </Show>
  );
}

function Policy(props: { worker: Worker; etag: string | null }): JSX.Element {
  const now = () => policyOf(props.worker.idle);
  const [enabled, setEnabled] = createSignal(now().enabled ?? true);
  const [minutes, setMinutes] = createSignal(String(Math.round((now().timeoutS ?? 3600) / 60)));
  const [busy, setBusy] = createSignal(false);
  // What the server says is taken over, also when somebody else said it.
  createEffect(
    on(
      () => `${now().enabled} ${now().timeoutS}`,
      () => {
        setEnabled(now().enabled ?? true);
        setMinutes(String(Math.round((now().timeoutS ?? 3600) / 60)));
      },
      { defer: true },
    ),
  );
  const changed = () =>
    enabled() !== (now().enabled ?? true) || Number(minutes()) * 60 !== now().timeoutS;

  async function save(event: SubmitEvent): Promise<void> {
    event.preventDefault();
    await put({ enabled: enabled(), timeout_s: Math.round(Number(minutes()) * 60) });
  }

  async function put(policy: { enabled: boolean | null; timeout_s: number | null }): Promise<void> {
    setBusy(true);
    try {
      await api.setIdlePolicy(props.worker.id, policy, props.etag ?? tagOf(props.worker));
      tell("The idle policy was changed");
    } catch (error) {
      complain("The idle policy was not changed", error);
    } finally {
      setBusy(false);
    }
  }

  return (
    <Panel
      title="Policy"
      aside={<span class="dim panel-note">from: {words(now().source).toLowerCase()}</span>}
    >
      <form class="stack" onSubmit={(event) => void save(event)}>
        <CheckField
          label="Stop this worker when it is idle"
          value={enabled()}
          onInput={setEnabled}
        />
        <TextField
          label="After"
          type="number"
          min={1}
          unit="minutes"
          value={minutes()}
          onInput={setMinutes}
          hint={`Now ${duration(now().timeoutS)} without use by a person.`}
        />
        <Show when={may("admin")}>
          <div class="card-actions">
            <Button type="submit" kind="primary" busy={busy()} disabled={!changed()}>
              Save for this worker
            </Button>
            <Show when={now().source === "worker"}>
              <Button
                disabled={busy()}
                onClick={() => void put({ enabled: null, timeout_s: null })}
              >
                As the fleet has it
              </Button>
            </Show>
          </div>
        </Show>
      </form>
    </Panel>
  );
}
