/** The license of a worker's controller: status, registering, deregistering. */
import { createSignal, For, Show, type JSX } from "solid-js";
import { license as api } from "../../api/calls.ts";
import type { Problem } from "../../api/client.ts";
import type { License, Worker } from "../../api/types.ts";
import { NONE, sentence, words } from "../../format.ts";
import { Ago } from "../../live/time.tsx";
import { Button } from "../../parts/button.tsx";
import { Confirm, FormDialog } from "../../parts/dialog.tsx";
import { CheckField, TextField } from "../../parts/field.tsx";
import { Facts, Panel } from "../../parts/panel.tsx";
import { Pill } from "../../parts/status.tsx";
import { complain, tell } from "../../parts/toast.tsx";
import { may } from "../../session.ts";
import { licenseWords, nameOf } from "../../words.ts";

export function LicenseCard(props: { worker: Worker }): JSX.Element {
  const [dialog, setDialog] = createSignal<"register" | "deregister" | null>(null);
  const [details, setDetails] = createSignal<License | null>(null);
  const shown = () => licenseWords(props.worker.license);
  const registered = () => shown().tone === "ok" || shown().tone === "warn";
  const reachable = () =>
    props.worker.service === "available" || props.worker.service === "degraded";

  async function look(): Promise<void> {
    try {
      setDetails((await api.get(props.worker.id)).body);
    } catch (error) {
      complain("The license details were not loaded", error);
    }
  }

  return (
    <Panel title="License" aside={<Pill tone={shown().tone}>{shown().text}</Pill>}>
      <Show when={props.worker.license?.reason}>
        <p class={`idle-reason tone-${shown().tone}`}>{sentence(props.worker.license?.reason)}</p>
      </Show>
      <Facts
        items={[
          ["Product", props.worker.license?.product?.replaceAll("_", " ") ?? NONE],
          ["Compliance", compliance(props.worker.license?.in_compliance)],
          ["Registered", <Ago at={props.worker.license?.registered_at} />],
        ]}
      />
      <Show when={details()?.features}>
        {(features) => (
          <ul class="features">
            <For each={features()}>
              {(feature) => (
                <li>
                  <span>{feature.name}</span>
                  <span class="num">{feature.in_use ?? NONE}</span>
                  <span class="dim">{words(feature.status)}</span>
                </li>
              )}
            </For>
          </ul>
        )}
      </Show>
      <div class="card-actions">
        <Show when={details() === null && registered()}>
          <Button onClick={() => void look()}>Features</Button>
        </Show>
        <Show when={may("admin")}>
          <Button icon="key" disabled={!reachable()} onClick={() => setDialog("register")}>
            {registered() ? "Register again" : "Register"}
          </Button>
          <Show when={registered()}>
            <Button disabled={!reachable()} onClick={() => setDialog("deregister")}>
              Deregister
            </Button>
          </Show>
        </Show>
      </div>
      <Show when={dialog() === "register"}>
        <Register worker={props.worker} again={registered()} close={() => setDialog(null)} />
      </Show>
      <Show when={dialog() === "deregister"}>
        <Confirm
          title={`Deregister ${nameOf(props.worker)}?`}
          action="Deregister"
          submit={async () => {
            await api.deregister(props.worker.id);
            tell("Deregistration has begun");
          }}
          close={() => setDialog(null)}
        >
          Nodes cannot be started without a license. All nodes must be stopped before.
        </Confirm>
      </Show>
    </Panel>
  );
}

const compliance = (value: boolean | null | undefined) =>
  value === true ? "In compliance" : value === false ? "Out of compliance" : NONE;

function Register(props: { worker: Worker; again: boolean; close: () => void }): JSX.Element {
  const [token, setToken] = createSignal("");
  const [again, setAgain] = createSignal(props.again);
  const [problem, setProblem] = createSignal<Problem | null>(null);
  return (
    <FormDialog
      title={`Register ${nameOf(props.worker)}`}
      action="Register"
      ready={token().trim() !== ""}
      close={props.close}
      problem={(found) => (setProblem(found), found.errors.length > 0)}
      submit={async () => {
        setProblem(null);
        await api.register(props.worker.id, token().trim(), again());
        tell("Registration has begun", "It usually takes 5 to 90 seconds.");
      }}
    >
      <TextField
        label="Registration token"
        type="password"
        value={token()}
        onInput={setToken}
        error={problem()?.about("/token")}
        hint="From Cisco Smart Software Manager. It is sent to the worker and kept nowhere."
        mono
        autofocus
        required
      />
      <Show when={props.again}>
        <CheckField
          label="Replace the registration that it has"
          value={again()}
          onInput={setAgain}
        />
      </Show>
    </FormDialog>
  );
}
