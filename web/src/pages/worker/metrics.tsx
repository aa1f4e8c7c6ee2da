/** CPU, memory and disk over time: the past by REST, the rest from the stream. */
import {
  createEffect,
  createMemo,
  createResource,
  createSignal,
  For,
  on,
  type JSX,
} from "solid-js";
import { workers as api } from "../../api/calls.ts";
import type { Sample, Worker } from "../../api/types.ts";
import { timeOf } from "../../format.ts";
import { epoch, now } from "../../live/store.ts";
import { Chart, type Series } from "../../parts/chart.tsx";
import { held, Loaded } from "../../parts/loaded.tsx";
import { Empty } from "../../parts/notice.tsx";
import { Panel } from "../../parts/panel.tsx";
import "../../parts/chart.css";

const HOUR = 3_600_000;
const RANGES = [
  { text: "1 h", ms: HOUR },
  { text: "6 h", ms: 6 * HOUR },
  { text: "24 h", ms: 24 * HOUR },
  { text: "7 d", ms: 168 * HOUR },
  { text: "30 d", ms: 720 * HOUR },
];

export function MetricsPanel(props: { worker: Worker }): JSX.Element {
  // A young worker has little to show: begin with what is filled.
  const age = now() - (timeOf(props.worker.created_at) ?? 0);
  const [range, setRange] = createSignal(age < HOUR ? HOUR : 6 * HOUR);
  const [fresh, setFresh] = createSignal<Sample[]>([]);
  const [past, { refetch }] = createResource(
    () => [props.worker.id, range(), epoch()] as const,
    async ([id, ms]) => {
      const to = now();
      setFresh([]);
      return api.metrics(id, new Date(to - ms), new Date(to));
    },
  );

  createEffect(
    on(
      () => props.worker.metrics,
      (metrics) => {
        if (metrics?.at)
          setFresh((list) => [...list.slice(-999), { ...metrics, at: metrics.at ?? "" }]);
      },
      { defer: true },
    ),
  );

  const samples = createMemo(() => {
    const known = held(past) ?? [];
    const last = known.at(-1)?.at ?? "";
    const from = now() - range();
    return [...known, ...fresh().filter((s) => s.at > last)].filter(
      (s) => Date.parse(s.at) >= from,
    );
  });
  const series = createMemo<Series[]>(() =>
    (["cpu", "memory", "disk"] as const).map((key) => ({
      name: key === "cpu" ? "CPU" : key === "memory" ? "Memory" : "Disk",
      color: key,
      points: samples().map((sample) => ({ at: Date.parse(sample.at), value: sample[key] })),
    })),
  );

  return (
    <Panel
      title="Load"
      aside={
        <div class="ranges" role="group" aria-label="Time range">
          <For each={RANGES}>
            {(one) => (
              <button
                type="button"
                class="range"
                aria-pressed={range() === one.ms}
                onClick={() => setRange(one.ms)}
              >
                {one.text}
              </button>
            )}
          </For>
        </div>
      }
    >
      <Loaded of={past} what="The load" retry={() => void refetch()} rows={6}>
        {() =>
          samples().length === 0 ? (
            <Empty icon="system" title="No samples in this time">
              A stopped worker is not measured.
            </Empty>
          ) : (
            <Chart series={series()} from={now() - range()} to={now()} />
          )
        }
      </Loaded>
    </Panel>
  );
}
