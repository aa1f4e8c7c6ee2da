/** The arithmetic of a time chart of percentages. */

export interface Point {
  at: number;
  value: number | null;
}

/**
 * Runs of points that belong together: a hole in the data is a hole in the line, not a slope. Old
 * samples are further apart than new ones, so a step is judged by the one before it; what would be
 * drawn narrower than `least` is never a hole.
 */
export function segments(points: readonly Point[], least: number): Point[][] {
  const result: Point[][] = [];
  let current: Point[] = [];
  let usual: number | null = null;
  for (const point of points) {
    const before = current.at(-1);
    const step: number | null = before === undefined ? null : point.at - before.at;
    const hole = step !== null && usual !== null && step > Math.max(usual * 3.5, least);
    if ((hole || point.value === null) && current.length > 0) {
      result.push(current);
      current = [];
    }
    if (step !== null && !hole) usual = step;
    if (point.value !== null) current.push(point);
  }
  if (current.length > 0) result.push(current);
  return result;
}

const MINUTE = 60_000;
const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440, 2880, 7200].map(
  (m) => m * MINUTE,
);

/** Round local times between two moments, at most `most` of them. */
export function timeTicks(from: number, to: number, most: number): number[] {
  const span = to - from;
  if (span <= 0) return [];
  const step = STEPS.find((s) => span / s <= most) ?? span;
  const zone = new Date(from).getTimezoneOffset() * MINUTE;
  const ticks: number[] = [];
  for (let t = Math.ceil((from - zone) / step) * step + zone; t <= to; t += step) ticks.push(t);
  return ticks;
}

export function tickText(at: number, span: number): string {
  const date = new Date(at);
  return span > 36 * 60 * MINUTE
    ? date.toLocaleDateString(undefined, { month: "short", day: "numeric" })
    : date.toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit", hour12: false });
}

/** The point nearest to a moment, by binary search. */
export function nearest(points: readonly Point[], at: number): Point | null {
  let [low, high] = [0, points.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((points[middle]?.at ?? 0) < at) low = middle + 1;
    else high = middle;
  }
  const [after, before] = [points[low], points[low - 1]];
  if (after === undefined) return null;
  return before !== undefined && at - before.at < after.at - at ? before : after;
}

export interface Summary {
  last: number | null;
  low: number | null;
  high: number | null;
}

export function summary(points: readonly Point[]): Summary {
  const values = points.map((p) => p.value).filter((v): v is number => v !== null);
  if (values.length === 0) return { last: null, low: null, high: null };
  return { last: values.at(-1) ?? null, low: Math.min(...values), high: Math.max(...values) };
}
