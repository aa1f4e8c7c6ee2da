/** Percentages over time, as plain SVG: holes stay holes, one crosshair for all lines. */
import { createMemo, createSignal, For, onCleanup, onMount, Show, type JSX } from "solid-js";
import { clockTime, percent } from "../format.ts";
import { nearest, segments, summary, tickText, timeTicks, type Point } from "./chart-math.ts";

export interface Series {
  name: string;
  /** The name of a color of the theme. */
  color: "cpu" | "memory" | "disk";
  points: readonly Point[];
}

const HEIGHT = 200;
const EDGE = { top: 8, right: 8, bottom: 22, left: 34 };
const LEVELS = [0, 25, 50, 75, 100];

export function Chart(props: { series: readonly Series[]; from: number; to: number }): JSX.Element {
  const [width, setWidth] = createSignal(600);
  const [pointed, setPointed] = createSignal<number | null>(null);
  let box!: HTMLDivElement;
  onMount(() => {
    const watch = new ResizeObserver(([entry]) => entry && setWidth(entry.contentRect.width));
    watch.observe(box);
    onCleanup(() => watch.disconnect());
  });

  const span = () => Math.max(1, props.to - props.from);
  const x = (at: number) =>
    EDGE.left + ((at - props.from) / span()) * (width() - EDGE.left - EDGE.right);
  const y = (value: number) =>
    EDGE.top + (1 - Math.min(100, Math.max(0, value)) / 100) * (HEIGHT - EDGE.top - EDGE.bottom);
  const ticks = createMemo(() =>
    timeTicks(props.from, props.to, Math.max(2, Math.floor(width() / 90))),
  );
  const line = (run: readonly Point[]) =>
    run.map((p) => `${x(p.at).toFixed(1)},${y(p.value ?? 0).toFixed(1)}`).join(" ");

  const moment = () => {
    const at = pointed();
    if (at === null) return null;
    const found = props.series
      .map((series) => ({ series, point: nearest(series.points, at) }))
      .filter((hit) => hit.point !== null);
    const first = found[0]?.point;
    return first ? { at: first.at, found } : null;
  };

  function point(event: PointerEvent): void {
    const bounds = box.getBoundingClientRect();
    const share = (event.clientX - bounds.left - EDGE.left) / (width() - EDGE.left - EDGE.right);
    setPointed(share < -0.02 || share > 1.02 ? null : props.from + share * span());
  }

  const label = () =>
    props.series
      .map((series) => {
        const { last, low, high } = summary(series.points);
        return `${series.name}: last ${percent(last)}, lowest ${percent(low)}, highest ${percent(high)}`;
      })
      .join(". ");

  return (
    <div class="chart" ref={box} onPointerMove={point} onPointerLeave={() => setPointed(null)}>
      <svg width={width()} height={HEIGHT} role="img" aria-label={label()}>
        <For each={LEVELS}>
          {(value) => (
            <>
              <line
                class="grid"
                x1={EDGE.left}
                x2={width() - EDGE.right}
                y1={y(value)}
                y2={y(value)}
              />
              <text class="axis" x={EDGE.left - 8} y={y(value) + 3.5} text-anchor="end">
                {value}
              </text>
            </>
          )}
        </For>
        <For each={ticks()}>
          {(at) => (
            <text class="axis" x={x(at)} y={HEIGHT - 6} text-anchor="middle">
              {tickText(at, span())}
            </text>
          )}
        </For>
        <For each={props.series}>
          {(series) => (
            <For each={segments(series.points, span() / 60)}>
              {(run) => (
                <Show
                  when={run.length > 1}
                  fallback={
                    <circle
                      class={`mark ${series.color}`}
                      cx={x(run[0]?.at ?? 0)}
                      cy={y(run[0]?.value ?? 0)}
                      r="1.8"
                    />
                  }
                >
                  <polyline class={`line ${series.color}`} points={line(run)} />
                </Show>
              )}
            </For>
          )}
        </For>
        <Show when={moment()}>
          {(hit) => (
            <>
              <line
                class="cross"
                x1={x(hit().at)}
                x2={x(hit().at)}
                y1={EDGE.top}
                y2={HEIGHT - EDGE.bottom}
              />
              <For each={hit().found}>
                {({ series, point: p }) => (
                  <Show when={p?.value != null}>
                    <circle
                      class={`mark ${series.color}`}
                      cx={x(p?.at ?? 0)}
                      cy={y(p?.value ?? 0)}
                      r="3"
                    />
                  </Show>
                )}
              </For>
            </>
          )}
        </Show>
      </svg>
      <Show when={moment()}>
        {(hit) => (
          <div
            class="chart-tip"
            classList={{ left: x(hit().at) > width() / 2 }}
            style={{ transform: `translateX(${x(hit().at)}px)` }}
          >
            <div class="chart-tip-box">
              <p class="dim num">{clockTime(hit().at)}</p>
              <For each={hit().found}>
                {({ series, point: p }) => (
                  <p class="chart-key num">
                    <i class={series.color} /> {series.name} <strong>{percent(p?.value)}</strong>
                  </p>
                )}
              </For>
            </div>
          </div>
        )}
      </Show>
      <p class="chart-keys">
        <For each={props.series}>
          {(series) => (
            <span class="chart-key num">
              <i class={series.color} /> {series.name}{" "}
              <strong>{percent(summary(series.points).last)}</strong>
            </span>
          )}
        </For>
      </p>
    </div>
  );
}
