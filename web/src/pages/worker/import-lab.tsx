/** Brings a topology file to a worker. */
import { createSignal, type JSX } from "solid-js";
import { labs as api } from "../../api/calls.ts";
import type { Problem } from "../../api/client.ts";
import type { Worker } from "../../api/types.ts";
import { FormDialog } from "../../parts/dialog.tsx";
import { AreaField, TextField } from "../../parts/field.tsx";
import { tell } from "../../parts/toast.tsx";
import { nameOf } from "../../words.ts";

export function ImportLab(props: { worker: Worker; close: () => void }): JSX.Element {
  const [content, setContent] = createSignal("");
  const [title, setTitle] = createSignal("");
  const [problem, setProblem] = createSignal<Problem | null>(null);

  async function read(files: FileList | null): Promise<void> {
    const file = files?.[0];
    if (file !== undefined) setContent(await file.text());
  }

  return (
    <FormDialog
      title={`Import a lab on ${nameOf(props.worker)}`}
      action="Import"
      ready={content().trim() !== ""}
      close={props.close}
      problem={(found) => (setProblem(found), found.errors.length > 0)}
      submit={async () => {
        setProblem(null);
        await api.import(props.worker.id, content(), title().trim());
        tell("The lab is being imported");
      }}
    >
      <div class="field">
        <label class="field-label" for="topology-file">
          Topology file
        </label>
        <input
          id="topology-file"
          type="file"
          accept=".yaml,.yml"
          onChange={(event) => void read(event.currentTarget.files)}
        />
      </div>
      <AreaField
        label="or its text"
        value={content()}
        onInput={setContent}
        rows={9}
        placeholder={"lab:\n  title: …"}
        error={problem()?.about("/topology")}
      />
      <TextField
        label="Title"
        value={title()}
        onInput={setTitle}
        placeholder="as in the file"
        error={problem()?.about("/title")}
      />
    </FormDialog>
  );
}
