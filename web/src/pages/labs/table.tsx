/** Labs with what can be done to them. */
import { createSignal, For, Show, type JSX } from "solid-js";
import { labs as api, type LabAction } from "../../api/calls.ts";
import type { Lab } from "../../api/types.ts";
import { countOf, NONE, words } from "../../format.ts";
import { worker as read } from "../../live/store.ts";
import { labKey } from "../../live/model.ts";
import { Ago } from "../../live/time.tsx";
import { IconButton } from "../../parts/button.tsx";
import { Confirm } from "../../parts/dialog.tsx";
import type { IconName } from "../../parts/icon.tsx";
import { Status } from "../../parts/status.tsx";
import { complain } from "../../parts/toast.tsx";
import { workerPath } from "../../router.ts";
import { may } from "../../session.ts";
import { labState, nameOf } from "../../words.ts";
import { downloadLab } from "./download.ts";
import { LabPicture } from "./picture.tsx";
import "./labs.css";

export function LabsTable(props: {
  labs: readonly Lab[];
  /** Whether the worker answers; without it, by each lab's own worker. */
  usable?: boolean;
  showWorker?: boolean;
}): JSX.Element {
  const keys = () => props.labs.map((lab) => labKey(lab.worker_id, lab.id));
  const byKey = (key: string) => props.labs.find((lab) => labKey(lab.worker_id, lab.id) === key);
  return (
    <div class="table-box">
      <table class="labs-table cards">
        <thead>
          <tr>
            <th>Title</th>
            <Show when={props.showWorker}>
              <th>Worker</th>
            </Show>
            <th>State</th>
            <th class="right">Nodes</th>
            <th class="right">Links</th>
            <th>Owner</th>
            <th>Changed</th>
            <th>
              <span class="sr-only">Actions</span>
            </th>
          </tr>
        </thead>
        <tbody>
          <For each={keys()}>
            {(key) => (
              <Show when={byKey(key)}>
                {(lab) => (
                  <LabRow
                    lab={lab()}
                    showWorker={props.showWorker === true}
                    usable={props.usable}
                  />
                )}
              </Show>
            )}
          </For>
        </tbody>
      </table>
    </div>
  );
}

const STARTED = "STARTED";
const RESTING = "DEFINED_ON_CORE";
const stateOf = (lab: Lab) => (lab.state ?? "").toUpperCase();

function LabRow(props: {
  lab: Lab;
  showWorker: boolean;
  usable: boolean | undefined;
}): JSX.Element {
  const [asking, setAsking] = createSignal<"wipe" | "delete" | null>(null);
  const [fetching, setFetching] = createSignal(false);
  const [looking, setLooking] = createSignal(false);
  const [sent, setSent] = createSignal<LabAction | null>(null);
  const host = () => read(props.lab.worker_id);
  const usable = () => props.usable ?? host()?.state === "running";
  const action = () => {
    const { action: open } = props.lab;
    return open?.kind && !/succeeded|done|failed/.test(open.state ?? "") ? open.kind : sent();
  };
  const shown = () => labState(props.lab.state);
  const title = () => props.lab.title ?? props.lab.id;

  async function download(): Promise<void> {
    setFetching(true);
    try {
      await downloadLab(props.lab);
    } catch (error) {
      complain(`${title()} was not downloaded`, error);
    } finally {
      setFetching(false);
    }
  }

  async function act(kind: LabAction): Promise<void> {
    setSent(kind);
    try {
      await api.act(props.lab.worker_id, props.lab.id, kind);
    } catch (error) {
      complain(`${title()}: ${kind} was refused`, error);
    } finally {
      setSent(null);
    }
  }

  return (
    <tr data-lab={props.lab.id}>
      <td class="lab-title">
        <button type="button" class="name cut" onClick={() => setLooking(true)}>
          {title()}
        </button>
        <Show when={looking()}>
          <LabPicture lab={props.lab} close={() => setLooking(false)} />
        </Show>
        <Show when={props.lab.action?.reason}>
          <span class="under tone-bad">{props.lab.action?.reason}</span>
        </Show>
      </td>
      <Show when={props.showWorker}>
        <td data-label="Worker">
          <a class="cut" href={`${workerPath(props.lab.worker_id)}?tab=labs`}>
            {host() ? nameOf(host()!) : props.lab.worker_id}
          </a>
        </td>
      </Show>
      <td data-label="State" class="nowrap">
        <Show when={action()} fallback={<Status tone={shown().tone}>{shown().text}</Status>}>
          {(kind) => (
            <Status tone="busy" pulse>
              {words(kind())}…
            </Status>
          )}
        </Show>
      </td>
      <td data-label="Nodes" class="right num nowrap">
        {nodes()}
      </td>
      <td data-label="Links" class="right num">
        {countOf(props.lab.links) ?? NONE}
      </td>
      <td data-label="Owner" class="soft">
        {props.lab.owner ?? NONE}
      </td>
      <td data-label="Changed" class="soft">
        <Ago at={props.lab.modified_at} />
      </td>
      <td>
        <span class="row-actions">
          <Show when={may("operator")}>
            <Act icon="play" text="Start" off={why("start")} onClick={() => void act("start")} />
            <Act icon="stop" text="Stop" off={why("stop")} onClick={() => void act("stop")} />
            <Act icon="wipe" text="Wipe" off={why("wipe")} onClick={() => setAsking("wipe")} />
          </Show>
          <IconButton
            icon="download"
            label={`Download ${title()}`}
            busy={fetching()}
            disabled={!usable()}
            onClick={() => void download()}
          />
          <Show when={may("operator")}>
            <Act
              icon="trash"
              text="Delete"
              off={why("delete")}
              onClick={() => setAsking("delete")}
            />
          </Show>
        </span>
        <Show when={asking()}>
          {(kind) => (
            <Confirm
              title={`${kind() === "wipe" ? "Wipe" : "Delete"} ${title()}?`}
              action={kind() === "wipe" ? "Wipe" : "Delete"}
              name={title()}
              close={() => setAsking(null)}
              submit={async () => {
                if (kind() === "wipe") await api.act(props.lab.worker_id, props.lab.id, "wipe");
                else await api.remove(props.lab.worker_id, props.lab.id);
              }}
            >
              {kind() === "wipe"
                ? "The disks of all its nodes are emptied. The topology stays."
                : "The topology is gone for good. Download it before if you may need it."}
            </Confirm>
          )}
        </Show>
      </td>
    </tr>
  );

  function nodes(): string {
    const all = countOf(props.lab.nodes);
    if (all === null) return NONE;
    return props.lab.running_nodes == null ? String(all) : `${props.lab.running_nodes} / ${all}`;
  }

  /** Why something cannot be done now; `null` when it can. CML has an order: stop, wipe, delete. */
  function why(kind: LabAction | "delete"): string | null {
    const state = stateOf(props.lab);
    if (!usable()) return "the worker does not run";
    if (action()) return "something is under way";
    if (props.lab.allowed?.includes(kind)) return null;
    if (kind === "start") return state === STARTED ? "it is started" : null;
    if (kind === "stop") return state === STARTED ? null : "it is not started";
    if (kind === "wipe") {
      return state === STARTED ? "stop it first" : state === RESTING ? "it is wiped" : null;
    }
    return state === STARTED
      ? "stop and wipe it first"
      : state === RESTING
        ? null
        : "wipe it first";
  }

  function Act(own: { icon: IconName; text: string; off: string | null; onClick: () => void }) {
    return (
      <IconButton
        icon={own.icon}
        label={own.off ? `${own.text} ${title()}: ${own.off}` : `${own.text} ${title()}`}
        disabled={own.off !== null}
        onClick={() => own.onClick()}
      />
    );
  }
}
