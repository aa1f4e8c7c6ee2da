/** What can be done with the selected workers. */
import { createSignal, Show, type JSX } from "solid-js";
import type { Worker } from "../../api/types.ts";
import { powerAll, refresh } from "../../actions.ts";
import { plural } from "../../format.ts";
import { Button, IconButton } from "../../parts/button.tsx";
import { Confirm } from "../../parts/dialog.tsx";
import { may } from "../../session.ts";
import { canStart, canStop } from "../../words.ts";

export function BulkBar(props: { workers: readonly Worker[]; clear: () => void }): JSX.Element {
  const [asking, setAsking] = createSignal(false);
  const startable = () => props.workers.filter(canStart);
  const stoppable = () => props.workers.filter(canStop);
  const nodes = () => stoppable().reduce((sum, w) => sum + (w.cml?.running_nodes ?? 0), 0);
  return (
    <Show when={props.workers.length > 0 && may("operator")}>
      <div class="bulk" role="toolbar" aria-label="Selected workers">
        <span class="num bulk-count">{props.workers.length} selected</span>
        <Button
          icon="play"
          disabled={startable().length === 0}
          onClick={() => void powerAll(startable(), "start")}
        >
          Start {startable().length}
        </Button>
        <Button icon="stop" disabled={stoppable().length === 0} onClick={() => setAsking(true)}>
          Stop {stoppable().length}
        </Button>
        <Button icon="refresh" onClick={() => props.workers.forEach((w) => void refresh(w))}>
          Refresh
        </Button>
        <IconButton icon="close" label="Clear the selection" onClick={() => props.clear()} />
      </div>
      <Show when={asking()}>
        <Confirm
          title={`Stop ${plural(stoppable().length, "worker")}?`}
          action={`Stop ${stoppable().length}`}
          submit={async () => void powerAll(stoppable(), "stop")}
          close={() => setAsking(false)}
        >
          {nodes() > 0
            ? `${plural(nodes(), "node")} on them will be stopped too.`
            : "No node runs on them."}
        </Confirm>
      </Show>
    </Show>
  );
}
