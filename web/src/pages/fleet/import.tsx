/** Takes instances that run already under control. */
import { createSignal, For, Show, type JSX } from "solid-js";
import { workers as api, type ImportAnswer } from "../../api/calls.ts";
import type { Problem } from "../../api/client.ts";
import { finished } from "../../api/wait.ts";
import { countOf } from "../../format.ts";
import { FormDialog } from "../../parts/dialog.tsx";
import { CheckField, SelectField, TextField } from "../../parts/field.tsx";
import { Banner } from "../../parts/notice.tsx";
import { known } from "./known.ts";

type By = "instance_id" | "ami_name" | "ami_id";
const LABELS: Record<By, string> = {
  instance_id: "Instance id",
  ami_name: "AMI name or pattern",
  ami_id: "AMI id",
};

export function ImportDialog(props: { close: () => void }): JSX.Element {
  const [by, setBy] = createSignal<By>("instance_id");
  const [value, setValue] = createSignal("");
  const [region, setRegion] = createSignal(known("region")[0] ?? "");
  const [all, setAll] = createSignal(true);
  const [name, setName] = createSignal("");
  const [endpoint, setEndpoint] = createSignal("");
  const [answer, setAnswer] = createSignal<ImportAnswer | null>(null);
  const [problem, setProblem] = createSignal<Problem | null>(null);
  const about = (field: string) => problem()?.about(`/${field}`);

  /** After an answer that has something to read, the same button only closes. */
  async function submit(): Promise<void | "stay"> {
    if (answer() !== null) return;
    setProblem(null);
    const { body } = await api.import({
      [by()]: value().trim(),
      region: region().trim(),
      all: by() !== "instance_id" && all(),
      name: name().trim() || null,
      cml_endpoint: endpoint().trim() || null,
    });
    if (body.operation === null) return;
    const done = await finished(body.operation);
    setAnswer((done.result ?? {}) as ImportAnswer);
    return "stay";
  }

  const skipped = () => {
    const list = answer()?.skipped;
    return Array.isArray(list) ? list : [];
  };

  return (
    <FormDialog
      title="Import workers"
      action={answer() === null ? "Import" : "Done"}
      ready={value().trim() !== "" && region().trim() !== ""}
      submit={submit}
      close={props.close}
      problem={(found) => (setProblem(found), found.errors.length > 0)}
    >
      <div class="two">
        <SelectField
          label="Find by"
          value={by()}
          onInput={(next) => setBy(next as By)}
          options={Object.entries(LABELS).map(([key, text]) => ({ value: key, text }))}
        />
        <TextField
          label="Region"
          value={region()}
          onInput={setRegion}
          list={known("region")}
          error={about("region")}
          required
        />
      </div>
      <TextField
        label={LABELS[by()]}
        value={value()}
        onInput={setValue}
        placeholder={by() === "instance_id" ? "i-…" : by() === "ami_id" ? "ami-…" : "cml-2.9.*"}
        error={about(by())}
        required
        autofocus
        mono
      />
      <Show when={by() !== "instance_id"}>
        <CheckField label="All that match, not only the first" value={all()} onInput={setAll} />
      </Show>
      <div class="two">
        <TextField
          label="Name"
          value={name()}
          onInput={setName}
          placeholder="from its Name tag"
          error={about("name")}
        />
        <TextField
          label="CML address"
          value={endpoint()}
          onInput={setEndpoint}
          placeholder="from its IP address"
          error={about("cml_endpoint")}
        />
      </div>
      <Show when={answer()}>
        {(found) => (
          <Banner tone="busy" icon="import">
            <p>
              Found {found().found ?? "–"}, imported {countOf(found().imported) ?? "–"}, left out{" "}
              {countOf(found().skipped) ?? 0}.
            </p>
            <ul class="left-out">
              <For each={skipped()}>
                {(one) => (
                  <li>
                    <span class="mono">{one.instance_id}</span> {one.reason}
                  </li>
                )}
              </For>
            </ul>
          </Banner>
        )}
      </Show>
    </FormDialog>
  );
}
