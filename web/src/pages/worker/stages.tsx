/** From an instance that was asked for to a licensed controller, step by step. */
import { For, Show, type JSX } from "solid-js";
import type { Stage } from "../../api/types.ts";
import { duration, sentence, timeOf } from "../../format.ts";
import { now } from "../../live/store.ts";
import { Icon } from "../../parts/icon.tsx";
import { stageWords } from "../../words.ts";

const WORDS: Record<Stage["state"], string> = {
  done: "done",
  active: "under way",
  waiting: "not yet",
  stuck: "stuck",
  failed: "failed",
};

export function Stages(props: { stages: Stage[] | null }): JSX.Element {
  const trouble = () => props.stages?.find((s) => s.state === "stuck" || s.state === "failed");
  return (
    <Show when={props.stages?.length} fallback={<p class="dim">Nothing is known about it yet.</p>}>
      <ol class="stages">
        <For each={props.stages}>{(stage) => <Step stage={stage} />}</For>
      </ol>
      <Show when={trouble()}>
        {(stage) => (
          <p class="stage-trouble">
            <Icon name="alert" size={14} />
            <span>
              <strong>{stageWords(stage().name)}:</strong>{" "}
              {sentence(stage().reason) || "no reason was given"}
            </span>
          </p>
        )}
      </Show>
    </Show>
  );
}

function Step(props: { stage: Stage }): JSX.Element {
  const since = () => {
    const at = timeOf(props.stage.since);
    if (at === null || props.stage.state === "waiting") return WORDS[props.stage.state];
    const time = new Date(at).toLocaleTimeString(undefined, {
      hour: "2-digit",
      minute: "2-digit",
      hour12: false,
    });
    if (props.stage.state === "done") return time;
    return `${WORDS[props.stage.state]} for ${duration((now() - at) / 1000)}`;
  };
  return (
    <li class={`stage stage-${props.stage.state}`} title={props.stage.reason ?? undefined}>
      <span class="stage-mark">
        <Show when={props.stage.state === "done"}>
          <Icon name="check" size={12} />
        </Show>
        <Show when={props.stage.state === "stuck" || props.stage.state === "failed"}>
          <span aria-hidden="true">!</span>
        </Show>
      </span>
      <span class="stage-name">{stageWords(props.stage.name)}</span>
      <span class="stage-time num">
        <span class="sr-only">{WORDS[props.stage.state]}, </span>
        {since()}
      </span>
    </li>
  );
}
