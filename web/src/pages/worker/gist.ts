/** What an event is about, in a few words: the news in it, not everything that it carries along. */
import { words } from "../../format.ts";

type Data = Record<string, unknown>;

const inner = (data: Data, field: string, key: string): string | null => {
  const object = data[field];
  const value = typeof object === "object" && object !== null ? (object as Data)[key] : null;
  return typeof value === "string" ? value : null;
};

/** In every event of a worker, changed or not. */
const ALONG = new Set(
  "id rev spec_rev worker worker_id name region account updated_at created_at seen_at from".split(
    " ",
  ),
);

export function gistOf(type: string, data: Data): string {
  const said = (key: string) => (typeof data[key] === "string" ? (data[key] as string) : null);
  const lower = (text: string | null) => (text ? words(text).toLowerCase() : null);
  const state = said("state");
  const parts: (string | null)[] = [];
  if (type.startsWith("lab.")) parts.push(said("title"));
  if (type.endsWith(".operation_changed")) {
    parts.push(lower(inner(data, "operation", "kind")), lower(inner(data, "operation", "state")));
    parts.push(inner(data, "operation", "reason"));
  } else if (type.endsWith(".action_changed")) {
    parts.push(lower(inner(data, "action", "kind")), lower(inner(data, "action", "state")));
  } else if (type.endsWith(".license_changed")) {
    parts.push(lower(inner(data, "license", "status")));
  } else if (type.endsWith(".service_changed")) {
    parts.push(change(said("from"), said("service")));
  } else if (type.endsWith(".activity_changed") || type.endsWith(".idle_policy_changed")) {
    parts.push(lower(inner(data, "idle", "verdict")), lower(inner(data, "activity", "last_kind")));
  } else if (state !== null) {
    parts.push(change(said("from"), state), said("state_reason"));
  }
  parts.push(lower(said("reason")), authorOf(data.by));
  const news = parts.filter((part) => part !== null && part !== "");
  if (news.length > 0) return news.join(" · ");
  const changed = Object.keys(data).filter((key) => !ALONG.has(key));
  return changed.map((key) => words(key).toLowerCase()).join(", ");
}

function change(from: string | null, to: string | null): string | null {
  if (to === null) return null;
  const now = words(to).toLowerCase();
  return from === null || from === to ? now : `${words(from).toLowerCase()} → ${now}`;
}

function authorOf(by: unknown): string | null {
  const name = typeof by === "string" ? by : (by as Data | null)?.name;
  return typeof name === "string" ? `by ${name}` : null;
}
