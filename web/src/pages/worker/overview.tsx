/** The state of a worker at a glance. */
import { Show, type JSX } from "solid-js";
import type { Worker } from "../../api/types.ts";
import { NONE, sentence, words } from "../../format.ts";
import { Ago } from "../../live/time.tsx";
import { Banner } from "../../parts/notice.tsx";
import { Facts, Panel } from "../../parts/panel.tsx";
import { difference, nameOf, told } from "../../words.ts";
import { Danger } from "./danger.tsx";
import { IdleCard } from "./idle-card.tsx";
import { LicenseCard } from "./license.tsx";
import { MetricsPanel } from "./metrics.tsx";
import { OperationPanel } from "./operation.tsx";
import { Stages } from "./stages.tsx";
import { TagsCard } from "./tags.tsx";

export function Overview(props: { worker: Worker }): JSX.Element {
  return (
    <>
      <Show when={props.worker.state === "missing"}>
        <Banner tone="warn">
          AWS does not know this instance any more. It will be taken as terminated unless it comes
          back.
        </Banner>
      </Show>
      <Show when={difference(props.worker)}>
        {(text) => (
          <Banner tone="warn">
            {nameOf(props.worker)} is {words(props.worker.state).toLowerCase()}, but {text()}.
          </Banner>
        )}
      </Show>
      <Show when={props.worker.drift}>
        {(drift) => (
          <Banner tone="warn">
            <strong>Changed outside: {words(drift().what).toLowerCase()}.</strong>{" "}
            {sentence(drift().detail)}{" "}
            <span class="dim">
              <Ago at={drift().at} />
            </span>
          </Banner>
        )}
      </Show>
      <Show when={props.worker.state === "failed" && props.worker.state_reason}>
        <Banner tone="bad">{sentence(props.worker.state_reason)}</Banner>
      </Show>
      <div class="columns">
        <div class="stack">
          <Panel title="Readiness">
            <Stages stages={props.worker.stages} />
          </Panel>
          <Show when={props.worker.operation}>
            {(operation) => <OperationPanel operation={operation()} />}
          </Show>
          <MetricsPanel worker={props.worker} />
          <Details worker={props.worker} />
        </div>
        <div class="stack">
          <IdleCard worker={props.worker} />
          <LicenseCard worker={props.worker} />
          <TagsCard worker={props.worker} />
          <Danger worker={props.worker} />
        </div>
      </div>
    </>
  );
}

function Details(props: { worker: Worker }): JSX.Element {
  const mono = (text: string | null | undefined) => <span class="mono">{text ?? NONE}</span>;
  const image = () => props.worker.ami?.name ?? props.worker.ami?.id ?? NONE;
  return (
    <Panel title="Details">
      <Facts
        wide
        items={[
          ["Instance", mono(props.worker.instance_id)],
          ["Type", props.worker.instance_type ?? NONE],
          ["Region", props.worker.region ?? NONE],
          ["Account", mono(props.worker.account)],
          ["Image", image()],
          ["Public IP", mono(props.worker.addresses?.public)],
          ["Private IP", mono(props.worker.addresses?.private)],
          ["CML", props.worker.cml?.version ?? NONE],
          ["Controller", props.worker.cml?.error ?? (props.worker.cml?.ready ? "ready" : NONE)],
          [
            "Nodes",
            told(props.worker, "nodes") === null
              ? NONE
              : `${told(props.worker, "running_nodes") ?? 0} of ${told(props.worker, "nodes")} running`,
          ],
          ["In this state", <Ago at={props.worker.state_since} />],
          ["Created", <Ago at={props.worker.created_at} />],
          ["Changed", <Ago at={props.worker.updated_at} />],
        ]}
      />
    </Panel>
  );
}
