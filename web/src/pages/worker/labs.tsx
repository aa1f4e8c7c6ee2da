/** The labs of one worker. */
import {
  createEffect,
  createMemo,
  createResource,
  createSignal,
  on,
  Show,
  type JSX,
} from "solid-js";
import { labs as api } from "../../api/calls.ts";
import type { Worker } from "../../api/types.ts";
import { epoch, labs, learnLabs } from "../../live/store.ts";
import { Button } from "../../parts/button.tsx";
import { Failed, Empty, Loading } from "../../parts/notice.tsx";
import { Panel } from "../../parts/panel.tsx";
import { complain, tell } from "../../parts/toast.tsx";
import { may } from "../../session.ts";
import { LabsTable } from "../labs/table.tsx";
import { ImportLab } from "./import-lab.tsx";

export function LabsTab(props: { worker: Worker }): JSX.Element {
  const [importing, setImporting] = createSignal(false);
  const [asked, { refetch }] = createResource(
    () => [props.worker.id, epoch()] as const,
    async ([id]) => {
      learnLabs(await api.of(id), id);
      return true;
    },
  );
  // A lab more or less without its own event means that our list is old.
  createEffect(
    on(
      () => props.worker.cml?.labs,
      (count) => count != null && count !== own().length && void refetch(),
      { defer: true },
    ),
  );
  const own = createMemo(() =>
    [...labs().values()]
      .filter((lab) => lab.worker_id === props.worker.id)
      .sort((a, b) => (a.title ?? a.id).localeCompare(b.title ?? b.id)),
  );

  async function sync(): Promise<void> {
    try {
      await api.refresh(props.worker.id);
      tell("The labs will be read again");
    } catch (error) {
      complain("The labs were not refreshed", error);
    }
  }

  return (
    <Panel
      title="Labs"
      flush
      aside={
        <Show when={may("operator")}>
          <Button icon="refresh" onClick={() => void sync()}>
            Sync
          </Button>
          <Button
            icon="import"
            disabled={props.worker.state !== "running"}
            onClick={() => setImporting(true)}
          >
            Import
          </Button>
        </Show>
      }
    >
      <Show
        when={own().length > 0}
        fallback={
          <Show
            when={!asked.error}
            fallback={
              <Failed
                error={asked.error}
                what="The labs cannot be shown"
                retry={() => void refetch()}
              />
            }
          >
            <Show when={!asked.loading} fallback={<Loading label="Loading labs" />}>
              <Empty icon="labs" title="No labs">
                {props.worker.state === "running"
                  ? "Import a topology, or make one in CML."
                  : "Labs are read while the worker runs."}
              </Empty>
            </Show>
          </Show>
        }
      >
        <LabsTable labs={own()} usable={props.worker.state === "running"} />
      </Show>
      <Show when={importing()}>
        <ImportLab worker={props.worker} close={() => setImporting(false)} />
      </Show>
    </Panel>
  );
}
