/** What is shown when there is nothing to show yet, nothing at all, or something went wrong. */
import { For, Show, type JSX } from "solid-js";
import { Problem, reasonOf } from "../api/client.ts";
import { Button } from "./button.tsx";
import { Icon, type IconName } from "./icon.tsx";
import type { Tone } from "./status.tsx";

export function Loading(props: { label: string; rows?: number }): JSX.Element {
  return (
    <div class="loading" role="status">
      <span class="sr-only">{props.label}</span>
      <For each={Array.from({ length: props.rows ?? 6 })}>{() => <span class="skeleton" />}</For>
    </div>
  );
}

export function Empty(props: {
  icon: IconName;
  title: string;
  children?: JSX.Element;
}): JSX.Element {
  return (
    <div class="empty">
      <span class="empty-icon">
        <Icon name={props.icon} size={22} />
      </span>
      <p class="empty-title">{props.title}</p>
      <Show when={props.children}>
        <div class="soft">{props.children}</div>
      </Show>
    </div>
  );
}

export function Failed(props: { error: unknown; what: string; retry?: () => void }): JSX.Element {
  const requestId = () => (props.error instanceof Problem ? props.error.requestId : null);
  return (
    <div class="empty" role="alert">
      <span class="empty-icon tone-bad">
        <Icon name="alert" size={22} />
      </span>
      <p class="empty-title">{props.what}</p>
      <p class="soft">{reasonOf(props.error)}</p>
      <Show when={requestId()}>
        <p class="dim mono">request {requestId()}</p>
      </Show>
      <Show when={props.retry}>
        <Button icon="refresh" onClick={() => props.retry?.()}>
          Try again
        </Button>
      </Show>
    </div>
  );
}

export function Banner(props: { tone: Tone; icon?: IconName; children: JSX.Element }): JSX.Element {
  return (
    <div class={`banner tone-${props.tone}`} role={props.tone === "bad" ? "alert" : "status"}>
      <Icon name={props.icon ?? "alert"} />
      <div class="banner-text">{props.children}</div>
    </div>
  );
}
