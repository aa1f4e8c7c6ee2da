/** What runs by itself: schedules, their runs, and the operations people asked for. */
import { createMemo, Match, Switch, type JSX } from "solid-js";
import { AsOf } from "../../live/as-of.tsx";
import { live } from "../../live/store.ts";
import { Tabs } from "../../parts/panel.tsx";
import { query, setQuery } from "../../router.ts";
import { Operations } from "./operations.tsx";
import { Runs } from "./runs.tsx";
import { Schedules } from "./schedules.tsx";
import "./jobs.css";

export function JobsPage(): JSX.Element {
  const tab = createMemo(() => {
    const asked = query().get("tab");
    return asked === "runs" || asked === "operations" ? asked : "schedules";
  });
  return (
    <>
      <header class="page-head">
        <h1>Jobs</h1>
        <AsOf />
      </header>
      <Tabs
        label="Jobs"
        current={tab()}
        select={(key) =>
          setQuery({ tab: key === "schedules" ? null : key, schedule: null, state: null })
        }
        items={[
          { key: "schedules", text: "Schedules" },
          { key: "runs", text: "Runs" },
          { key: "operations", text: "Operations" },
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
          <Match when={tab() === "schedules"}>
            <Schedules />
          </Match>
          <Match when={tab() === "runs"}>
            <Runs />
          </Match>
          <Match when={tab() === "operations"}>
            <Operations />
          </Match>
        </Switch>
      </div>
    </>
  );
}
