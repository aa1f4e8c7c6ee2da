/** Values as people read them. Unknown values are an en dash, never `null` or `NaN`. */

export const NONE = "–";

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Milliseconds since the epoch, or `null` for what is no time. */
export function timeOf(text: string | null | undefined): number | null {
  if (!text) return null;
  const ms = Date.parse(text);
  return Number.isNaN(ms) ? null : ms;
}

/** The two largest units: `2 h 5 min`, `45 s`. */
export function duration(seconds: number | null | undefined): string {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds)) return NONE;
  const s = Math.max(0, Math.round(seconds));
  if (s < MINUTE) return `${s} s`;
  if (s < HOUR) return two(Math.floor(s / MINUTE), "min", s % MINUTE, "s", s < 10 * MINUTE);
  if (s < DAY) return two(Math.floor(s / HOUR), "h", Math.floor((s % HOUR) / MINUTE), "min");
  return two(Math.floor(s / DAY), "d", Math.floor((s % DAY) / HOUR), "h");
}

function two(a: number, unitA: string, b: number, unitB: string, fine = true): string {
  return b > 0 && fine ? `${a} ${unitA} ${b} ${unitB}` : `${a} ${unitA}`;
}

/** One unit, for tight places: `3m`, `2h`. */
export function brief(seconds: number): string {
  const s = Math.max(0, Math.floor(seconds));
  if (s < MINUTE) return `${s}s`;
  if (s < HOUR) return `${Math.floor(s / MINUTE)}m`;
  if (s < DAY) return `${Math.floor(s / HOUR)}h`;
  return `${Math.floor(s / DAY)}d`;
}

export function ago(text: string | null | undefined, now: number): string {
  const at = timeOf(text);
  if (at === null) return NONE;
  const seconds = (now - at) / 1000;
  if (seconds < 5) return seconds < -5 ? `in ${duration(-seconds)}` : "just now";
  return `${duration(seconds)} ago`;
}

export function until(text: string | null | undefined, now: number): string {
  const at = timeOf(text);
  if (at === null) return NONE;
  const seconds = (at - now) / 1000;
  return seconds <= 0 ? "due now" : `in ${duration(seconds)}`;
}

/** A countdown as on a clock: `1:04:09` or `4:09`. */
export function countdown(ms: number): string {
  const s = Math.max(0, Math.floor(ms / 1000));
  const pad = (n: number) => String(n).padStart(2, "0");
  if (s >= DAY) return duration(s);
  const [h, m] = [Math.floor(s / HOUR), Math.floor((s % HOUR) / MINUTE)];
  return h > 0 ? `${h}:${pad(m)}:${pad(s % MINUTE)}` : `${m}:${pad(s % MINUTE)}`;
}

export function clockTime(ms: number): string {
  return new Date(ms).toLocaleTimeString(undefined, { hour12: false });
}

export function dateTime(text: string | null | undefined): string {
  const at = timeOf(text);
  if (at === null) return NONE;
  return new Date(at).toLocaleString(undefined, {
    year: "numeric",
    month: "short",
    day: "numeric",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    hour12: false,
  });
}

export function percent(value: number | null | undefined): string {
  return value === null || value === undefined || Number.isNaN(value)
    ? NONE
    : `${Math.round(value)} %`;
}

export function bytes(value: number | null | undefined): string {
  if (value === null || value === undefined) return NONE;
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let [amount, unit] = [value, 0];
  while (amount >= 1024 && unit < units.length - 1) [amount, unit] = [amount / 1024, unit + 1];
  return `${amount >= 10 || unit === 0 ? Math.round(amount) : amount.toFixed(1)} ${units[unit]}`;
}

/** `idle_timeout` → `Idle timeout`; known short words keep their capitals. */
export function words(name: string | null | undefined): string {
  if (!name) return NONE;
  const text = name
    .replace(/[._-]+/g, " ")
    .trim()
    .toLowerCase()
    .replace(/\b(aws|ec2|cml|cpu|https?|id|ami|url|sse|api|tls|ip|vpc|imdsv2)\b/g, (w) =>
      w.toUpperCase(),
    );
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** The server's words as a sentence: moments in local time, a capital in front. */
export function sentence(text: string | null | undefined): string {
  if (!text) return "";
  const local = text.replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g, (at) => dateTime(at));
  return local.charAt(0).toUpperCase() + local.slice(1);
}

export function plural(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}

/** Seconds of `90`, `"90s"`, `"5m"`, `"1h30m"` or `"PT5M"`; `null` when it is none of these. */
export function seconds(value: number | string | null | undefined): number | null {
  if (typeof value === "number") return value;
  if (!value) return null;
  if (/^\d+(\.\d+)?$/.test(value)) return Number(value);
  const text = value.toLowerCase().replace(/^pt?/, "").replace(/t/, "");
  const unit: Record<string, number> = { ms: 0.001, s: 1, m: MINUTE, min: MINUTE, h: HOUR, d: DAY };
  let total = 0;
  const rest = text.replace(/(\d+(?:\.\d+)?)\s*(ms|min|s|m|h|d)/g, (_all, n: string, u: string) => {
    total += Number(n) * (unit[u] ?? 0);
    return "";
  });
  return rest.trim() === "" ? total : null;
}

/** How many there are, whether the API sends a number or the things themselves. */
export function countOf(value: number | readonly unknown[] | null | undefined): number | null {
  return Array.isArray(value) ? value.length : typeof value === "number" ? value : null;
}
