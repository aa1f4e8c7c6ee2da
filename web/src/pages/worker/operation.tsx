/** A long action and how far it is. */
import { For, Show, type JSX } from "solid-js";
import type { Operation } from "../../api/types.ts";
import { sentence, words } from "../../format.ts";
import { Ago } from "../../live/time.tsx";
import { Banner } from "../../parts/notice.tsx";
import { Panel } from "../../parts/panel.tsx";
import { Dot, Pill } from "../../parts/status.tsx";
import { runTone } from "../../words.ts";

export function OperationPanel(props: { operation: Operation }): JSX.Element {
  const open = () => runTone(props.operation.state) === "busy";
  return (
    <Panel
      title={`${open() ? "Under way" : "Last operation"}: ${words(props.operation.kind).toLowerCase()}`}
      aside={
        <>
          <span class="dim">
            <Ago at={props.operation.started_at} />
          </span>
          <Pill tone={runTone(props.operation.state)}>{words(props.operation.state)}</Pill>
        </>
      }
    >
      <Show when={props.operation.reason}>
        <Banner tone={runTone(props.operation.state) === "bad" ? "bad" : "warn"}>
          {sentence(props.operation.reason)}
          <Show when={props.operation.hint}>
            <p class="soft">{sentence(props.operation.hint)}</p>
          </Show>
        </Banner>
      </Show>
      <ol class="steps">
        <For each={props.operation.steps ?? []}>
          {(step) => (
            <li class="step">
              <Dot tone={runTone(step.state)} pulse={runTone(step.state) === "busy"} />
              <span>{words(step.name)}</span>
              <span class="dim cut">{step.detail ?? words(step.state).toLowerCase()}</span>
              <span class="dim step-time">{step.at && <Ago at={step.at} />}</span>
            </li>
          )}
        </For>
      </ol>
    </Panel>
  );
}
