/** Buttons: with words, or with an icon that has a name for those who cannot see it. */
import { Show, type JSX } from "solid-js";
import { Icon, type IconName } from "./icon.tsx";

interface Props {
  onClick?: (event: MouseEvent) => void;
  icon?: IconName;
  kind?: "plain" | "primary" | "danger" | "ghost";
  type?: "button" | "submit";
  disabled?: boolean;
  busy?: boolean;
  title?: string;
  children?: JSX.Element;
}

export function Button(props: Props): JSX.Element {
  return (
    <button
      type={props.type ?? "button"}
      class={`button ${props.kind ?? "plain"}`}
      disabled={props.disabled || props.busy}
      aria-busy={props.busy}
      title={props.title}
      onClick={(event) => props.onClick?.(event)}
    >
      <Show when={props.busy} fallback={props.icon && <Icon name={props.icon} />}>
        <span class="spinner" aria-hidden="true" />
      </Show>
      <Show when={props.children}>
        <span>{props.children}</span>
      </Show>
    </button>
  );
}

export function IconButton(props: {
  icon: IconName;
  label: string;
  onClick: (event: MouseEvent) => void;
  disabled?: boolean;
  busy?: boolean;
  pressed?: boolean;
}): JSX.Element {
  return (
    <button
      type="button"
      class="icon-button"
      aria-label={props.label}
      title={props.label}
      disabled={props.disabled || props.busy}
      aria-busy={props.busy}
      aria-pressed={props.pressed}
      onClick={(event) => props.onClick(event)}
    >
      <Show when={props.busy} fallback={<Icon name={props.icon} />}>
        <span class="spinner" aria-hidden="true" />
      </Show>
    </button>
  );
}
