/** One worker: how it is, what runs on it, why it will or will not be stopped, what happened. */
import {
  createEffect,
  createMemo,
  createSignal,
  Match,
  onCleanup,
  Show,
  Switch,
  type JSX,
} from "solid-js";
import { Problem } from "../../api/client.ts";
import { workers as api } from "../../api/calls.ts";
import type { Worker } from "../../api/types.ts";
import { words } from "../../format.ts";
import { AsOf } from "../../live/as-of.tsx";
import { learn, live, loaded, worker as read } from "../../live/store.ts";
import { Empty, Failed, Loading } from "../../parts/notice.tsx";
import { Tabs } from "../../parts/panel.tsx";
import { Pill } from "../../parts/status.tsx";
import { query, setQuery } from "../../router.ts";
import { nameOf, serviceTone, stateTone, told } from "../../words.ts";
import { ActivityTab } from "./activity.tsx";
import { EventsTab } from "./events.tsx";
import { LabsTab } from "./labs.tsx";
import { Overview } from "./overview.tsx";
import { WorkerActions } from "./worker-actions.tsx";
import "./worker.css";

type Tab = "overview" | "labs" | "activity" | "events";

export function WorkerPage(props: { id: string }): JSX.Element {
  const [failure, setFailure] = createSignal<unknown>(null);

  // Terminated workers are not in the stream's snapshot; they can still be looked at.
  async function ask(): Promise<void> {
    setFailure(null);
    try {
      learn([(await api.get(props.id)).body]);
    } catch (error) {
      setFailure(error);
    }
  }
  createEffect(() => {
    if (loaded() && read(props.id) === undefined) void ask();
  });
  createEffect(() => {
    const shown = read(props.id);
    document.title = `${shown ? nameOf(shown) : "Worker"} · CML Cloud Manager`;
  });
  onCleanup(() => (document.title = "CML Cloud Manager"));

  const gone = () => {
    const error = failure();
    return error instanceof Problem && error.status === 404;
  };
  return (
    <Show
      when={read(props.id)}
      fallback={
        <Switch fallback={<Loading label="Loading the worker" />}>
          <Match when={gone()}>
            <Empty icon="fleet" title="There is no such worker">
              It was removed, or it never existed.{" "}
              <a class="link" href="/">
                To the fleet
              </a>
            </Empty>
          </Match>
          <Match when={failure()}>
            <Failed error={failure()} what="The worker cannot be shown" retry={() => void ask()} />
          </Match>
        </Switch>
      }
    >
      {(worker) => <Shown worker={worker()} />}
    </Show>
  );
}

function Shown(props: { worker: Worker }): JSX.Element {
  const tab = createMemo<Tab>(() => {
    const asked = query().get("tab");
    return asked === "labs" || asked === "activity" || asked === "events" ? asked : "overview";
  });
  return (
    <>
      <nav class="crumbs" aria-label="Where you are">
        <a href="/">Fleet</a>
        <span aria-hidden="true">/</span>
        <span>{props.worker.region}</span>
      </nav>
      <header class="page-head worker-head">
        <div class="worker-title">
          <h1>{nameOf(props.worker)}</h1>
          <Pill tone={stateTone(props.worker.state)}>
            <span data-testid="worker-state">{words(props.worker.state)}</span>
          </Pill>
          <Show when={props.worker.service && props.worker.service !== "unavailable"}>
            <Pill tone={serviceTone(props.worker.service)}>Service {props.worker.service}</Pill>
          </Show>
          <AsOf />
        </div>
        <WorkerActions worker={props.worker} />
      </header>
      <Tabs
        label="About this worker"
        current={tab()}
        select={(key) => setQuery({ tab: key === "overview" ? null : key })}
        items={[
          { key: "overview", text: "Overview" },
          { key: "labs", text: "Labs", count: told(props.worker, "labs") },
          { key: "activity", text: "Activity" },
          { key: "events", text: "Events" },
        ]}
      />
      <div
        id="tab-panel"
        class="tab-panel"
        role="tabpanel"
        aria-labelledby={`tab-${tab()}`}
        classList={{ stale: !live() }}
      >
        <Switch>
          <Match when={tab() === "overview"}>
            <Overview worker={props.worker} />
          </Match>
          <Match when={tab() === "labs"}>
            <LabsTab worker={props.worker} />
          </Match>
          <Match when={tab() === "activity"}>
            <ActivityTab worker={props.worker} />
          </Match>
          <Match when={tab() === "events"}>
            <EventsTab worker={props.worker} />
          </Match>
        </Switch>
      </div>
    </>
  );
}
