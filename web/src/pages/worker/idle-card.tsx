/** Whether and when an idle worker will be stopped, and the button that puts it off. */
import { createSignal, Show, type JSX } from "solid-js";
import type { Worker } from "../../api/types.ts";
import { policyOf } from "../../api/read.ts";
import { extend } from "../../actions.ts";
import { countdown, dateTime, duration, sentence, timeOf, words } from "../../format.ts";
import { now } from "../../live/store.ts";
import { Ago } from "../../live/time.tsx";
import { Button } from "../../parts/button.tsx";
import { Facts, Panel } from "../../parts/panel.tsx";
import { setQuery } from "../../router.ts";
import { may } from "../../session.ts";
import { stopsSoon, verdictWords } from "../../words.ts";

const HOUR_S = 3600;

export function IdleCard(props: { worker: Worker }): JSX.Element {
  const [busy, setBusy] = createSignal(false);
  const idle = () => props.worker.idle;
  const left = () => {
    const at = timeOf(idle()?.deadline);
    return at === null || props.worker.state !== "running" ? null : at - now();
  };
  async function later(): Promise<void> {
    setBusy(true);
    await extend(props.worker, HOUR_S);
    setBusy(false);
  }
  return (
    <Panel
      title="Idle"
      aside={
        <Button kind="ghost" onClick={() => setQuery({ tab: "activity" })}>
          Why?
        </Button>
      }
    >
      <Show when={left()} fallback={<p class="idle-big soft">{quiet()}</p>}>
        {(ms) => (
          <div class="idle-row">
            <p
              class="idle-big num"
              classList={{ "tone-warn": stopsSoon(props.worker) || ms() < 900_000 }}
            >
              {ms() > 0 ? countdown(ms()) : "Due now"}
              <span class="idle-note">until it is stopped</span>
            </p>
            <Show when={may("operator")}>
              <Button icon="clock" busy={busy()} onClick={() => void later()}>
                Extend 1 h
              </Button>
            </Show>
          </div>
        )}
      </Show>
      <Show when={idle()?.reason}>
        <p class="soft idle-reason">{sentence(idle()?.reason)}</p>
      </Show>
      <Facts
        items={[
          ["Deadline", dateTime(idle()?.deadline)],
          ["Last activity", <Ago at={props.worker.activity?.last_at} />],
          ["Stopped after", duration(policyOf(idle()).timeoutS)],
          ["Policy from", words(policyOf(idle()).source)],
        ]}
      />
    </Panel>
  );

  function quiet(): string {
    if (props.worker.state !== "running") return verdictWords("not_running").text;
    if (policyOf(idle()).enabled === false) return verdictWords("disabled").text;
    return verdictWords(idle()?.verdict).text;
  }
}
