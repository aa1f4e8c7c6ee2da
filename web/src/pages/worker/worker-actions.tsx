/** The buttons of one worker. */
import { createSignal, Show, type JSX } from "solid-js";
import type { Worker } from "../../api/types.ts";
import { power, refresh } from "../../actions.ts";
import { wishOf } from "../../live/store.ts";
import { Button } from "../../parts/button.tsx";
import { Confirm } from "../../parts/dialog.tsx";
import { Icon } from "../../parts/icon.tsx";
import { may } from "../../session.ts";
import { canStart, canStop, nameOf } from "../../words.ts";

/** Only addresses that a browser may safely follow. */
export const safeAddress = (text: string | null) =>
  text && /^https?:\/\//.test(text) ? text : null;

export function WorkerActions(props: { worker: Worker }): JSX.Element {
  const [asking, setAsking] = createSignal(false);
  const running = () => props.worker.cml?.running_nodes ?? 0;
  return (
    <div class="page-actions">
      <Show when={props.worker.service !== "unavailable" && safeAddress(props.worker.endpoint)}>
        {(address) => (
          <a class="button" href={address()} target="_blank" rel="noreferrer">
            <Icon name="external" />
            <span>Open CML</span>
          </a>
        )}
      </Show>
      <Show when={may("operator")}>
        <Button
          icon="refresh"
          busy={wishOf(props.worker.id)?.action === "refresh"}
          onClick={() => void refresh(props.worker)}
        >
          Refresh
        </Button>
        <Show when={canStop(props.worker)}>
          <Button
            icon="stop"
            onClick={() => (running() > 0 ? setAsking(true) : void power(props.worker, "stop"))}
          >
            Stop
          </Button>
        </Show>
        <Show when={canStart(props.worker)}>
          <Button icon="play" kind="primary" onClick={() => void power(props.worker, "start")}>
            Start
          </Button>
        </Show>
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
    </div>
  );
}
