/** What cannot be undone: the name must be typed. */
import { createSignal, Show, type JSX } from "solid-js";
import { workers as api } from "../../api/calls.ts";
import type { Worker } from "../../api/types.ts";
import { rollback, wish } from "../../live/store.ts";
import { Button } from "../../parts/button.tsx";
import { Confirm } from "../../parts/dialog.tsx";
import { CheckField } from "../../parts/field.tsx";
import { Panel } from "../../parts/panel.tsx";
import { tell } from "../../parts/toast.tsx";
import { navigate } from "../../router.ts";
import { may } from "../../session.ts";
import { nameOf } from "../../words.ts";

export function Danger(props: { worker: Worker }): JSX.Element {
  const [dialog, setDialog] = createSignal<"terminate" | "remove" | null>(null);
  const [force, setForce] = createSignal(false);
  const over = () => props.worker.state === "terminated" || props.worker.state === "terminating";

  async function terminate(): Promise<void> {
    wish(props.worker.id, "terminate");
    try {
      await api.act(props.worker.id, "terminate", { force: force() });
    } catch (error) {
      rollback(props.worker.id);
      throw error;
    }
  }

  async function remove(): Promise<void> {
    const name = nameOf(props.worker);
    await api.remove(props.worker);
    tell(`${name} was removed from the manager`);
    navigate("/");
  }

  return (
    <Show when={may("admin")}>
      <Panel title="Cannot be undone">
        <div class="danger-rows">
          <Show when={!over()}>
            <p class="soft">Terminate the instance and lose its disks.</p>
            <Button icon="trash" onClick={() => setDialog("terminate")}>
              Terminate
            </Button>
          </Show>
          <p class="soft">Forget the worker here; the instance stays as it is.</p>
          <Button onClick={() => setDialog("remove")}>Remove</Button>
        </div>
      </Panel>
      <Show when={dialog() === "terminate"}>
        <Confirm
          title={`Terminate ${nameOf(props.worker)}?`}
          action="Terminate"
          name={nameOf(props.worker)}
          submit={terminate}
          close={() => setDialog(null)}
        >
          <p>
            Labs are stopped and saved and the license is given back first. Then the instance and
            its disks are gone for good.
          </p>
          <CheckField
            label="Terminate even if the license cannot be given back"
            value={force()}
            onInput={setForce}
          />
        </Confirm>
      </Show>
      <Show when={dialog() === "remove"}>
        <Confirm
          title={`Remove ${nameOf(props.worker)}?`}
          action="Remove"
          name={nameOf(props.worker)}
          submit={remove}
          close={() => setDialog(null)}
        >
          The manager forgets this worker, its labs and its history. The instance is not touched and
          can be imported again.
        </Confirm>
      </Show>
    </Show>
  );
}
