/** One setting. */
import { createSignal, Match, Switch, type JSX } from "solid-js";
import { duration } from "../../format.ts";
import { AreaField, CheckField, TextField } from "../../parts/field.tsx";
import type { Field, Json } from "./fields.ts";
import { labelOf, unitOf } from "./labels.ts";

export function SettingField(props: {
  field: Field;
  value: Json;
  error: string | null;
  changed: boolean;
  disabled: boolean;
  set: (value: Json) => void;
}): JSX.Element {
  /** What is typed into a text area, as long as it means the value: its blank lines stay. */
  const [typed, setTyped] = createSignal<string | null>(null);
  const [broken, setBroken] = createSignal<string | null>(null);
  const label = () => labelOf(props.field.path.join("/"));
  const unit = () => unitOf(props.field.path.at(-1) ?? "");
  const hint = () => {
    const inWords =
      unit() === "seconds" && typeof props.value === "number" && props.value >= 60
        ? `That is ${duration(props.value)}.`
        : "";
    return [label().hint, inWords].filter(Boolean).join(" ") || undefined;
  };
  const error = () => broken() ?? props.error;
  const rows = (text: string) => Math.min(14, Math.max(2, text.split("\n").length + 1));

  const source = () => JSON.stringify(props.value, null, 2);
  const lines = () => (Array.isArray(props.value) ? props.value.join("\n") : "");
  const linesOf = (text: string) => text.split("\n").filter((line) => line.trim() !== "");
  const shownLines = () => {
    const text = typed();
    return text !== null && linesOf(text).join("\n") === lines() ? text : lines();
  };

  function setLines(text: string): void {
    setTyped(text);
    props.set(linesOf(text));
  }

  function setSource(text: string): void {
    setTyped(text);
    try {
      props.set(JSON.parse(text) as Json);
      setBroken(null);
    } catch {
      setBroken("This is not valid JSON.");
    }
  }

  return (
    <fieldset class="setting" disabled={props.disabled} data-changed={props.changed}>
      <legend class="sr-only">{label().text}</legend>
      <Switch>
        <Match when={props.field.kind === "switch"}>
          <CheckField
            label={label().text}
            hint={hint()}
            error={error()}
            value={props.value === true}
            onInput={props.set}
          />
        </Match>
        <Match when={props.field.kind === "number"}>
          <TextField
            label={label().text}
            type="number"
            unit={unit()}
            hint={hint()}
            error={error()}
            value={props.value === null ? "" : String(props.value)}
            onInput={(text) => props.set(text === "" ? null : Number(text))}
          />
        </Match>
        <Match when={props.field.kind === "text"}>
          <TextField
            label={label().text}
            hint={hint()}
            error={error()}
            placeholder="not set"
            value={props.value === null ? "" : String(props.value)}
            onInput={(text) => props.set(text === "" ? null : text)}
          />
        </Match>
        <Match when={props.field.kind === "list"}>
          <AreaField
            label={label().text}
            hint={hint() ?? "One a line."}
            error={error()}
            rows={rows(lines())}
            value={shownLines()}
            onInput={setLines}
          />
        </Match>
        <Match when={props.field.kind === "json"}>
          <AreaField
            label={label().text}
            hint={hint() ?? "As JSON."}
            error={error()}
            broken={broken()}
            rows={rows(source())}
            value={typed() ?? source()}
            onInput={setSource}
          />
        </Match>
      </Switch>
    </fieldset>
  );
}
