/** A labeled input with room for a hint and for what the server said about it. */
import { createEffect, createUniqueId, For, Show, type JSX } from "solid-js";

interface Common {
  label: string;
  hint?: string | undefined;
  error?: string | null | undefined;
}

interface TextProps extends Common {
  value: string;
  onInput: (value: string) => void;
  type?: "text" | "number" | "password" | "search";
  placeholder?: string;
  required?: boolean;
  mono?: boolean;
  unit?: string | undefined;
  list?: readonly string[];
  min?: number;
  autofocus?: boolean;
}

function Below(props: { id: string } & Common): JSX.Element {
  return (
    <Show when={props.error ?? props.hint}>
      <span id={props.id} class={props.error ? "field-error" : "field-hint"}>
        {props.error ?? props.hint}
      </span>
    </Show>
  );
}

export function TextField(props: TextProps): JSX.Element {
  const id = createUniqueId();
  return (
    <div class="field">
      <label class="field-label" for={id}>
        {props.label}
      </label>
      <div class="input-row">
        <input
          id={id}
          class="input"
          classList={{ mono: props.mono === true }}
          type={props.type ?? "text"}
          value={props.value}
          placeholder={props.placeholder}
          required={props.required}
          min={props.min}
          autofocus={props.autofocus}
          autocomplete="off"
          spellcheck={false}
          list={props.list ? `${id}-list` : undefined}
          aria-invalid={props.error ? true : undefined}
          aria-describedby={props.error || props.hint ? `${id}-below` : undefined}
          onInput={(event) => props.onInput(event.currentTarget.value)}
        />
        <Show when={props.unit}>
          <span class="dim">{props.unit}</span>
        </Show>
      </div>
      <Show when={props.list}>
        <datalist id={`${id}-list`}>
          <For each={props.list}>{(item) => <option value={item} />}</For>
        </datalist>
      </Show>
      <Below id={`${id}-below`} label="" hint={props.hint} error={props.error} />
    </div>
  );
}

export function AreaField(
  props: Common & {
    value: string;
    onInput: (value: string) => void;
    rows?: number;
    placeholder?: string;
    /** Why the form must not be sent with this text. */
    broken?: string | null;
  },
): JSX.Element {
  const id = createUniqueId();
  let area!: HTMLTextAreaElement;
  createEffect(() => area.setCustomValidity(props.broken ?? ""));
  return (
    <div class="field">
      <label class="field-label" for={id}>
        {props.label}
      </label>
      <textarea
        ref={area}
        id={id}
        class="input mono"
        rows={props.rows ?? 8}
        value={props.value}
        placeholder={props.placeholder}
        spellcheck={false}
        aria-invalid={props.error ? true : undefined}
        aria-describedby={props.error || props.hint ? `${id}-below` : undefined}
        onInput={(event) => props.onInput(event.currentTarget.value)}
      />
      <Below id={`${id}-below`} label="" hint={props.hint} error={props.error} />
    </div>
  );
}

export function SelectField(
  props: Common & {
    value: string;
    onInput: (value: string) => void;
    options: readonly { value: string; text: string }[];
  },
): JSX.Element {
  const id = createUniqueId();
  return (
    <div class="field">
      <label class="field-label" for={id}>
        {props.label}
      </label>
      <select
        id={id}
        class="input"
        value={props.value}
        onChange={(event) => props.onInput(event.currentTarget.value)}
      >
        <For each={props.options}>
          {(option) => <option value={option.value}>{option.text}</option>}
        </For>
      </select>
      <Below id={`${id}-below`} label="" hint={props.hint} error={props.error} />
    </div>
  );
}

export function CheckField(
  props: Common & { value: boolean; onInput: (value: boolean) => void },
): JSX.Element {
  const id = createUniqueId();
  return (
    <div class="field">
      <label class="check">
        <input
          type="checkbox"
          checked={props.value}
          aria-describedby={props.error || props.hint ? `${id}-below` : undefined}
          onChange={(event) => props.onInput(event.currentTarget.checked)}
        />
        <span>{props.label}</span>
      </label>
      <Below id={`${id}-below`} label="" hint={props.hint} error={props.error} />
    </div>
  );
}
