/** A bar for a percentage, and a line for its last minutes. */
import { Show, type JSX } from "solid-js";
import { percent } from "../format.ts";

export const level = (value: number) => (value >= 90 ? "bad" : value >= 75 ? "warn" : "fine");

export function Meter(props: { value: number | null | undefined; label: string }): JSX.Element {
  return (
    <Show when={props.value ?? undefined} fallback={<span class="dim">–</span>}>
      {(value) => (
        <span class="meter">
          <span
            class={`bar level-${level(value())}`}
            role="meter"
            aria-label={props.label}
            aria-valuenow={Math.round(value())}
            aria-valuemin={0}
            aria-valuemax={100}
          >
            <span style={{ width: `${Math.min(100, value())}%` }} />
          </span>
          <span class="num">{percent(value())}</span>
        </span>
      )}
    </Show>
  );
}

const WIDTH = 56;
const HEIGHT = 18;

export interface SparkPoint {
  at: number;
  value: number | null;
}

/** The points of a sparkline: `span` ms wide, newest at the right edge, 0 to 100 from bottom to top. */
export function sparkPoints(points: readonly SparkPoint[], span: number): string {
  const newest = points.at(-1)?.at ?? 0;
  return points
    .filter((point) => point.value !== null && newest - point.at <= span)
    .map((point) => {
      const x = WIDTH * (1 - (newest - point.at) / span);
      const y = HEIGHT - 1 - (Math.min(100, Math.max(0, point.value ?? 0)) / 100) * (HEIGHT - 2);
      return `${x.toFixed(1)},${y.toFixed(1)}`;
    })
    .join(" ");
}

export function Sparkline(props: { points: readonly SparkPoint[]; span: number }): JSX.Element {
  return (
    <svg
      class="spark"
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      width={WIDTH}
      height={HEIGHT}
      aria-hidden="true"
    >
      <polyline points={sparkPoints(props.points, props.span)} />
    </svg>
  );
}
