/** Words for the settings that we know; all others speak for themselves. */
import { words } from "../../format.ts";

interface Label {
  text: string;
  hint?: string;
}

const LABELS: Record<string, Label> = {
  general: { text: "General" },
  provisioning: { text: "New workers" },
  "provisioning/instance_type": { text: "Instance type" },
  "provisioning/image": {
    text: "Image",
    hint: 'As JSON: {"name": "cml-2.9*"}, or an id, or null.',
  },
  "provisioning/subnet": { text: "Subnet" },
  "provisioning/security_groups": { text: "Security groups", hint: "One id a line." },
  "provisioning/key_name": { text: "Key pair" },
  "provisioning/regions": { text: "Placement by region", hint: "As JSON, by the region's name." },
  "provisioning/default_tags": { text: "Tags for all", hint: "As JSON." },
  idle: { text: "Idle workers" },
  "idle/enabled": { text: "Stop idle workers" },
  "idle/timeout_s": { text: "Idle after", hint: "Without use by a person." },
  "idle/warn_before_s": { text: "Warn before", hint: "An event goes out this long before a stop." },
  "idle/snooze_s": { text: "Leave alone after a start" },
  "idle/categories": { text: "What counts as use", hint: "Telemetry categories, one a line." },
  "idle/service_users": { text: "Whose doings are no use", hint: "Ids of accounts, one a line." },
  import: { text: "Import by itself" },
  "import/rules": { text: "Rules", hint: "As JSON: a region with an image_name or a tag each." },
  retention: { text: "How long things are kept" },
  "retention/samples_fine_s": { text: "Samples as measured" },
  "retention/samples_coarse_s": { text: "Samples thinned out" },
  "retention/runs_s": { text: "Runs" },
  "retention/events": { text: "Events", hint: "How many, not how long." },
  "retention/removed_workers_s": { text: "Terminated and removed workers" },
};

const UNITS: readonly [RegExp, string][] = [
  [/_s(ec(ond)?s?)?$/, "seconds"],
  [/_ms$/, "ms"],
  [/_min(ute)?s?$/, "minutes"],
  [/_days?$/, "days"],
  [/_percent$/, "%"],
];

export function labelOf(name: string): Label {
  const last = name.split("/").at(-1) ?? name;
  return (
    LABELS[name] ?? { text: words(UNITS.reduce((text, [end]) => text.replace(end, ""), last)) }
  );
}

export function unitOf(name: string): string | undefined {
  return UNITS.find(([end]) => end.test(name))?.[1];
}
