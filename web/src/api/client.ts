/** One way to call the API: problems become `Problem`, ETags and idempotency keys are handled here. */

import { sentence } from "../format.ts";

const PREFIX = "/api/v1";
const TIMEOUT_MS = 30_000;

export interface FieldError {
  pointer: string;
  detail: string;
}

/** A refused or failed call: RFC 9457 as sent by the server, or our own words when none arrived. */
export class Problem extends Error {
  readonly status: number;
  readonly title: string;
  readonly detail: string | null;
  readonly code: string;
  readonly requestId: string | null;
  readonly errors: FieldError[];

  constructor(status: number, body: Record<string, unknown>) {
    const text = (key: string) => (typeof body[key] === "string" ? (body[key] as string) : null);
    const title = text("title") ?? `The server answered ${status}`;
    super(text("detail") ?? title);
    this.name = "Problem";
    this.status = status;
    this.title = title;
    this.detail = text("detail");
    this.code = text("code") ?? "unknown";
    this.requestId = text("request_id");
    this.errors = Array.isArray(body.errors)
      ? (body.errors as unknown[]).filter(
          (e): e is FieldError =>
            typeof e === "object" && e !== null && "pointer" in e && "detail" in e,
        )
      : [];
  }

  /** What was said about one field, by its JSON pointer. */
  about(pointer: string): string | null {
    return this.errors.find((e) => e.pointer === pointer)?.detail ?? null;
  }
}

export interface CallOptions {
  query?: Record<string, string | number | boolean | null | undefined>;
  body?: unknown;
  /** Sent as it is, for topology files. */
  text?: { type: string; content: string };
  ifMatch?: string | null;
  signal?: AbortSignal;
}

export interface Answer<T> {
  status: number;
  body: T;
  etag: string | null;
}

type Listener = () => void;
let signedOut: Listener = () => {};

/** Calls `listener` whenever the server says that nobody is signed in. */
export function onSignedOut(listener: Listener): void {
  signedOut = listener;
}

/** A key for one intent of the user, so that a repeated POST is carried out once. */
export function idempotencyKey(): string {
  // `crypto.randomUUID` exists only on https and loopback.
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join("");
}

export function address(path: string, query: CallOptions["query"] = {}): string {
  const params = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) {
    if (value !== null && value !== undefined && value !== "") params.set(key, String(value));
  }
  const text = params.toString();
  return `${PREFIX}${path}${text === "" ? "" : `?${text}`}`;
}

export async function call<T>(
  method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE",
  path: string,
  options: CallOptions = {},
): Promise<Answer<T>> {
  const headers: Record<string, string> = { Accept: "application/json" };
  let body: string | null = null;
  if (options.text !== undefined) {
    headers["Content-Type"] = options.text.type;
    body = options.text.content;
  } else if (options.body !== undefined) {
    headers["Content-Type"] = "application/json";
    body = JSON.stringify(options.body);
  }
  if (options.ifMatch) headers["If-Match"] = options.ifMatch;
  if (method === "POST") headers["Idempotency-Key"] = idempotencyKey();

  const deadline = AbortSignal.timeout(TIMEOUT_MS);
  const signal = options.signal ? AbortSignal.any([options.signal, deadline]) : deadline;
  let response: Response;
  try {
    response = await fetch(address(path, options.query), { method, headers, body, signal });
  } catch (cause) {
    if (options.signal?.aborted) throw cause;
    throw unreachable(deadline.aborted);
  }
  return read<T>(response);
}

async function read<T>(response: Response): Promise<Answer<T>> {
  const type = response.headers.get("Content-Type") ?? "";
  const text = await response.text();
  const parsed: unknown = !/[/+]json/.test(type) ? text : text === "" ? null : parse(text);
  if (!response.ok) {
    if (response.status === 401) signedOut();
    const body = typeof parsed === "object" && parsed !== null ? parsed : {};
    throw new Problem(response.status, body as Record<string, unknown>);
  }
  return { status: response.status, body: parsed as T, etag: response.headers.get("ETag") };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function unreachable(late: boolean): Problem {
  return new Problem(0, {
    title: late ? "No answer in time" : "The server cannot be reached",
    detail: late
      ? `The server did not answer within ${TIMEOUT_MS / 1000} seconds.`
      : "The server cannot be reached. Your change was not confirmed.",
    code: late ? "timeout" : "unreachable",
  });
}

/** Reads all pages of a list, up to `most` items. */
export async function all<T>(
  path: string,
  query: CallOptions["query"] = {},
  most = 5000,
): Promise<T[]> {
  const items: T[] = [];
  let cursor: string | null = null;
  do {
    const answer: Answer<{ items: T[]; next_cursor: string | null }> = await call("GET", path, {
      query: { limit: 200, ...query, cursor },
    });
    items.push(...(answer.body.items ?? []));
    cursor = answer.body.next_cursor ?? null;
  } while (cursor !== null && items.length < most);
  return items;
}

/** The words to show for anything that was thrown. */
export function reasonOf(error: unknown): string {
  if (error instanceof Problem) {
    const fields = error.errors
      .filter((e) => !error.message.includes(e.detail))
      .map((e) => `${e.pointer.replace(/^\//, "")}: ${e.detail}`);
    return [sentence(error.message), ...fields].join(" · ");
  }
  return error instanceof Error ? error.message : String(error);
}
