/** Starts the UI: theme, router, session, live stream, and the page that the address names. */
import { Match, Switch, type JSX } from "solid-js";
import { render } from "solid-js/web";
import "./theme.css";
import "./parts/button.css";
import "./parts/status.css";
import "./parts/notice.css";
import "./parts/form.css";
import "./parts/panel.css";
import { startLive } from "./live/store.ts";
import { Empty } from "./parts/notice.tsx";
import { FleetPage } from "./pages/fleet/fleet.tsx";
import { JobsPage } from "./pages/jobs/jobs.tsx";
import { LabsPage } from "./pages/labs/labs.tsx";
import { SettingsPage } from "./pages/settings/settings.tsx";
import { SystemPage } from "./pages/system/system.tsx";
import { WorkerPage } from "./pages/worker/worker.tsx";
import { route, startRouter } from "./router.ts";
import { loadSession } from "./session.ts";
import { Shell } from "./shell/shell.tsx";
import { applyTheme, theme } from "./shell/theme.ts";

function App(): JSX.Element {
  const id = () => {
    const here = route();
    return here.page === "worker" ? here.id : undefined;
  };
  return (
    <Shell>
      <Switch
        fallback={
          <Empty icon="search" title="There is no such page">
            <a class="link" href="/">
              To the fleet
            </a>
          </Empty>
        }
      >
        <Match when={route().page === "fleet"}>
          <FleetPage />
        </Match>
        <Match when={id()} keyed>
          {(worker) => <WorkerPage id={worker} />}
        </Match>
        <Match when={route().page === "labs"}>
          <LabsPage />
        </Match>
        <Match when={route().page === "jobs"}>
          <JobsPage />
        </Match>
        <Match when={route().page === "settings"}>
          <SettingsPage />
        </Match>
        <Match when={route().page === "system"}>
          <SystemPage />
        </Match>
      </Switch>
    </Shell>
  );
}

applyTheme(theme());
startRouter();
startLive();
void loadSession();

const root = document.getElementById("app");
if (root !== null) render(() => <App />, root);
