/** Dialogs on the browser's own `<dialog>`: focus stays inside, Escape closes, focus returns. */
import { createSignal, createUniqueId, onCleanup, onMount, Show, type JSX } from "solid-js";
import { Problem, reasonOf } from "../api/client.ts";
import { Button, IconButton } from "./button.tsx";
import { Banner } from "./notice.tsx";

interface Props {
  title: string;
  /** The words on the button that does it. */
  action: string;
  danger?: boolean;
  ready?: boolean;
  /**
   * Carries it out. The dialog closes when the promise is kept, unless with `"stay"`; when it is
   * broken, the dialog shows why.
   */
  submit: () => Promise<void | "stay">;
  close: () => void;
  /** Takes a problem that belongs to fields; answers whether it is shown there. */
  problem?: (problem: Problem) => boolean;
  children: JSX.Element;
}

export function FormDialog(props: Props): JSX.Element {
  const [busy, setBusy] = createSignal(false);
  const [error, setError] = createSignal<string | null>(null);
  const heading = createUniqueId();
  let element!: HTMLDialogElement;
  let mounted = true;
  onMount(() => element.showModal());
  onCleanup(() => {
    mounted = false;
    element.close();
  });

  async function submit(event: SubmitEvent): Promise<void> {
    event.preventDefault();
    if (busy() || props.ready === false) return;
    setBusy(true);
    setError(null);
    try {
      if ((await props.submit()) !== "stay") props.close();
    } catch (failure) {
      const shown = failure instanceof Problem && props.problem?.(failure) === true;
      setError(shown ? (failure as Problem).message : reasonOf(failure));
    } finally {
      setBusy(false);
    }
  }

  return (
    <dialog
      ref={element}
      class="dialog"
      aria-labelledby={heading}
      onClose={() => mounted && props.close()}
      onClick={(event) => event.target === element && !busy() && element.close()}
    >
      <form onSubmit={(event) => void submit(event)}>
        <header class="dialog-head">
          <h2 id={heading}>{props.title}</h2>
          <IconButton icon="close" label="Close" onClick={() => props.close()} />
        </header>
        <div class="dialog-body">
          {props.children}
          <Show when={error()}>
            <Banner tone="bad">{error()}</Banner>
          </Show>
        </div>
        <footer class="dialog-foot">
          <Button onClick={() => props.close()}>Cancel</Button>
          <Button
            type="submit"
            kind={props.danger ? "danger" : "primary"}
            busy={busy()}
            disabled={props.ready === false}
          >
            {props.action}
          </Button>
        </footer>
      </form>
    </dialog>
  );
}

/** A question before something that cannot be undone; with `name`, it must be typed. */
export function Confirm(props: {
  title: string;
  action: string;
  name?: string | undefined;
  danger?: boolean;
  submit: () => Promise<void>;
  close: () => void;
  children: JSX.Element;
}): JSX.Element {
  const [typed, setTyped] = createSignal("");
  return (
    <FormDialog
      title={props.title}
      action={props.action}
      danger={props.danger ?? true}
      ready={props.name === undefined || typed().trim() === props.name}
      submit={props.submit}
      close={props.close}
    >
      <div class="soft ask">{props.children}</div>
      <Show when={props.name}>
        <label class="field">
          <span class="field-label">
            Type <strong class="mono">{props.name}</strong> to go on
          </span>
          <input
            class="input"
            autocomplete="off"
            autocapitalize="off"
            spellcheck={false}
            value={typed()}
            onInput={(event) => setTyped(event.currentTarget.value)}
          />
        </label>
      </Show>
    </FormDialog>
  );
}
