/** Asks for a new worker. */
import { createSignal, type JSX } from "solid-js";
import { workers as api } from "../../api/calls.ts";
import type { Problem } from "../../api/client.ts";
import { FormDialog } from "../../parts/dialog.tsx";
import { SelectField, TextField } from "../../parts/field.tsx";
import { tell } from "../../parts/toast.tsx";
import { known } from "./known.ts";

const TYPES = ["c5.xlarge", "c5.2xlarge", "c5.4xlarge", "c5.9xlarge", "m5zn.metal"];

export function CreateDialog(props: { close: () => void }): JSX.Element {
  const [name, setName] = createSignal("");
  const [region, setRegion] = createSignal(known("region")[0] ?? "");
  const [type, setType] = createSignal("");
  const [amiBy, setAmiBy] = createSignal("default");
  const [ami, setAmi] = createSignal("");
  const [version, setVersion] = createSignal("");
  const [problem, setProblem] = createSignal<Problem | null>(null);
  const about = (field: string) => problem()?.about(`/${field}`);

  async function submit(): Promise<void> {
    setProblem(null);
    await api.create({
      name: name().trim(),
      region: region().trim(),
      instance_type: type().trim() || null,
      ami_id: amiBy() === "id" ? ami().trim() : null,
      ami_name: amiBy() === "name" ? ami().trim() : null,
      cml_version: version().trim() || null,
    });
    tell(`${name()} is being created`, "Its row shows how far it is.");
  }

  return (
    <FormDialog
      title="Create a worker"
      action="Create"
      ready={name().trim() !== "" && region().trim() !== ""}
      submit={submit}
      close={props.close}
      problem={(found) => (setProblem(found), found.errors.length > 0)}
    >
      <TextField
        label="Name"
        value={name()}
        onInput={setName}
        error={about("name")}
        required
        autofocus
      />
      <div class="two">
        <TextField
          label="Region"
          value={region()}
          onInput={setRegion}
          list={known("region")}
          error={about("region")}
          required
        />
        <TextField
          label="Instance type"
          value={type()}
          onInput={setType}
          placeholder="as in the settings"
          list={[...new Set([...known("instance_type"), ...TYPES])]}
          error={about("instance_type")}
        />
      </div>
      <div class="two">
        <SelectField
          label="Image"
          value={amiBy()}
          onInput={setAmiBy}
          options={[
            { value: "default", text: "As in the settings" },
            { value: "name", text: "By name" },
            { value: "id", text: "By id" },
          ]}
        />
        <TextField
          label={amiBy() === "id" ? "AMI id" : "AMI name or pattern"}
          value={ami()}
          onInput={setAmi}
          placeholder={amiBy() === "default" ? "–" : amiBy() === "id" ? "ami-…" : "cml-2.9.*"}
          error={about(amiBy() === "id" ? "ami_id" : "ami_name")}
        />
      </div>
      <TextField
        label="CML version"
        value={version()}
        onInput={setVersion}
        placeholder="any"
        error={about("cml_version")}
      />
    </FormDialog>
  );
}
