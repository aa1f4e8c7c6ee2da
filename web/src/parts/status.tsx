/** Small signs of how something is. Color never stands alone: there is always a word. */
import type { JSX } from "solid-js";

export type Tone = "ok" | "busy" | "warn" | "bad" | "quiet";

export function Dot(props: { tone: Tone; pulse?: boolean }): JSX.Element {
  return <span class={`dot tone-${props.tone}`} classList={{ pulse: props.pulse === true }} />;
}

export function Status(props: { tone: Tone; pulse?: boolean; children: JSX.Element }): JSX.Element {
  return (
    <span class="status">
      <Dot tone={props.tone} pulse={props.pulse === true} />
      <span class="cut">{props.children}</span>
    </span>
  );
}

export function Pill(props: { tone: Tone; title?: string; children: JSX.Element }): JSX.Element {
  return (
    <span class={`pill tone-${props.tone}`} title={props.title}>
      {props.children}
    </span>
  );
}
