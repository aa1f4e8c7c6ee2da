/** One worker in the fleet table. */
import { createEffect, createSignal, Match, Show, Switch, type JSX } from "solid-js";
import type { Worker } from "../../api/types.ts";
import { policyOf } from "../../api/read.ts";
import { power, refresh } from "../../actions.ts";
import { brief, countdown, NONE, timeOf, words } from "../../format.ts";
import { HISTORY_MS } from "../../live/model.ts";
import { wantHistory } from "../../live/history.ts";
import { history, now, wishOf, worker as read } from "../../live/store.ts";
import { IconButton } from "../../parts/button.tsx";
import { Confirm } from "../../parts/dialog.tsx";
import { Icon } from "../../parts/icon.tsx";
import { Meter, Sparkline } from "../../parts/meter.tsx";
import { Pill, Status } from "../../parts/status.tsx";
import { workerPath } from "../../router.ts";
import { may } from "../../session.ts";
import {
  canStart,
  canStop,
  difference,
  isChanging,
  licenseWords,
  nameOf,
  serviceTone,
  stageWords,
  stopsSoon,
  told,
  stateTone,
} from "../../words.ts";

interface Props {
  id: string;
  selected: boolean;
  toggle: (range: boolean) => void;
}

/** Reading the worker first makes this follow its samples. */
const cpuPoints = (worker: Worker) =>
  history(worker.id).map((sample) => ({ at: Date.parse(sample.at), value: sample.cpu }));

export function FleetRow(props: Props): JSX.Element {
  createEffect(() => read(props.id)?.metrics && wantHistory(props.id));
  return (
    <Show when={read(props.id)}>
      {(worker) => (
        <tr
          role="row"
          class="fleet-row"
          data-worker={props.id}
          data-state={worker().state}
          data-rev={worker().rev}
          aria-selected={props.selected}
          onKeyDown={(event) => event.key === "x" && props.toggle(event.shiftKey)}
        >
          <td role="cell" class="col-check">
            <input
              type="checkbox"
              aria-label={`Select ${nameOf(worker())}`}
              checked={props.selected}
              onClick={(event) => props.toggle(event.shiftKey)}
            />
          </td>
          <td role="cell" class="col-name">
            <a class="name cut" href={workerPath(props.id)}>
              {nameOf(worker())}
            </a>
            <span class="under mono cut">{worker().instance_id ?? "no instance yet"}</span>
          </td>
          <td role="cell" class="col-state">
            <State worker={worker()} />
          </td>
          <td role="cell" class="col-service">
            <Show when={worker().service && worker().service !== "unavailable"} fallback={<Dash />}>
              <Status tone={serviceTone(worker().service)}>{words(worker().service)}</Status>
            </Show>
          </td>
          <td role="cell" class="col-where">
            <span class="cut">{worker().region ?? NONE}</span>
            <span class="under cut">{worker().instance_type ?? NONE}</span>
          </td>
          <td role="cell" class="col-cpu">
            <Show when={worker().metrics?.cpu != null} fallback={<Dash />}>
              <span class="with-spark">
                <Meter value={worker().metrics?.cpu} label="CPU" />
                <Sparkline points={cpuPoints(worker())} span={HISTORY_MS} />
              </span>
            </Show>
          </td>
          <td role="cell" class="col-memory">
            <Meter value={worker().metrics?.memory} label="Memory" />
          </td>
          <td role="cell" class="col-labs num">
            <Show when={told(worker(), "labs") !== null} fallback={<Dash />}>
              <span>{worker().cml?.labs}</span>
              <span class="under">{worker().cml?.running_nodes ?? 0} nodes up</span>
            </Show>
          </td>
          <td role="cell" class="col-license">
            <License worker={worker()} />
          </td>
          <td role="cell" class="col-idle num">
            <IdleCell worker={worker()} />
          </td>
          <td role="cell" class="col-actions">
            <Actions worker={worker()} />
          </td>
        </tr>
      )}
    </Show>
  );
}

const Dash = () => <span class="dim">{NONE}</span>;

function State(props: { worker: Worker }): JSX.Element {
  const stage = () => props.worker.stages?.find((s) => s.state === "active" || s.state === "stuck");
  const wished = () => wishOf(props.worker.id);
  const under = () => {
    const { worker } = props;
    if (wished() && wished()?.action !== "refresh") return "asked for";
    if (worker.state === "failed") return worker.operation?.reason ?? worker.state_reason ?? "";
    const at = stage();
    if (at !== undefined && (isChanging(worker.state) || worker.service !== "available")) {
      if (worker.state !== "stopped") return stageWords(at.name);
    }
    const since = timeOf(worker.state_since);
    return since === null ? "" : `for ${brief((now() - since) / 1000)}`;
  };
  return (
    <>
      <span class="state-line">
        <Status tone={stateTone(props.worker.state)} pulse={isChanging(props.worker.state)}>
          <span class="state-word">
            {words(props.worker.state)}
            {wished() && isChanging(props.worker.state) ? "…" : ""}
          </span>
        </Status>
        <Show when={!wished() && difference(props.worker)}>
          {(text) => <Pill tone="warn">{text()}</Pill>}
        </Show>
      </span>
      <span
        class="under cut"
        classList={{ "tone-warn": stage()?.state === "stuck" }}
        title={under()}
      >
        {stage()?.state === "stuck" ? `stuck: ${under()}` : under()}
      </span>
    </>
  );
}

function License(props: { worker: Worker }): JSX.Element {
  const shown = () => licenseWords(props.worker.license);
  return (
    <Show when={props.worker.license?.status} fallback={<Dash />}>
      <span
        class={`license tone-${shown().tone}`}
        title={props.worker.license?.reason ?? undefined}
      >
        <Icon name="key" size={13} />
        <span class="cut">{shown().text}</span>
      </span>
    </Show>
  );
}

const WARN_MS = 15 * 60_000;

export function IdleCell(props: { worker: Worker }): JSX.Element {
  const idle = () => props.worker.idle;
  const left = () => {
    const at = timeOf(idle()?.deadline);
    return at === null ? null : at - now();
  };
  return (
    <Switch fallback={<Dash />}>
      <Match when={props.worker.state !== "running" || idle() === null}>
        <Dash />
      </Match>
      <Match when={policyOf(idle()).enabled === false}>
        <span class="dim">off</span>
      </Match>
      <Match when={left() !== null && left()}>
        {(ms) => (
          <span
            class="idle-left"
            classList={{ "tone-warn": stopsSoon(props.worker) || ms() < WARN_MS }}
            title={`Stops when the time is over. ${idle()?.reason ?? ""}`}
          >
            <Icon name="clock" size={13} />
            {ms() > 0 ? countdown(ms()) : "due now"}
          </span>
        )}
      </Match>
      <Match when={idle()?.verdict}>
        {(verdict) => (
          <span class="soft" title={idle()?.reason ?? undefined}>
            {words(verdict()).toLowerCase()}
          </span>
        )}
      </Match>
    </Switch>
  );
}

function Actions(props: { worker: Worker }): JSX.Element {
  const [asking, setAsking] = createSignal(false);
  const running = () => props.worker.cml?.running_nodes ?? 0;
  const wished = () => wishOf(props.worker.id)?.action;
  const stop = () => (running() > 0 ? setAsking(true) : void power(props.worker, "stop"));
  return (
    <span class="row-actions">
      <Show when={may("operator")}>
        <Show when={canStop(props.worker)}>
          <IconButton icon="stop" label={`Stop ${nameOf(props.worker)}`} onClick={stop} />
        </Show>
        <Show when={canStart(props.worker)}>
          <IconButton
            icon="play"
            label={`Start ${nameOf(props.worker)}`}
            onClick={() => void power(props.worker, "start")}
          />
        </Show>
        <IconButton
          icon="refresh"
          label={`Refresh ${nameOf(props.worker)}`}
          busy={wished() === "refresh"}
          onClick={() => void refresh(props.worker)}
        />
      </Show>
      <Show when={asking()}>
        <Confirm
          title={`Stop ${nameOf(props.worker)}?`}
          action="Stop"
          submit={async () => void power(props.worker, "stop")}
          close={() => setAsking(false)}
        >
          {running()} nodes run on this worker. They are stopped with it and keep what they have on
          disk.
        </Confirm>
      </Show>
    </span>
  );
}
