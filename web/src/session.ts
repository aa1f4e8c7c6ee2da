/** Who is signed in and what the role allows. The server decides; this only hides dead ends. */
import { createSignal } from "solid-js";
import { session as api } from "./api/calls.ts";
import type { Session } from "./api/types.ts";

const [session, setSession] = createSignal<Session | null>(null);
export { session };

const RANK = { viewer: 0, operator: 1, admin: 2 } as const;

/** Whether the role is at least `role`; while nobody told us, nothing is hidden. */
export function may(role: keyof typeof RANK): boolean {
  const own = session()?.role;
  return own === undefined || own === null || RANK[own] >= RANK[role];
}

/** In dev mode anybody may be anybody: takes a role and starts anew with it. */
export function takeRole(role: string): void {
  document.cookie = `ccm_dev_role=${role}; path=/; samesite=strict`;
  location.reload();
}

/** Ends the session here, then where it was begun. */
export async function leave(): Promise<void> {
  const response = await fetch("/auth/logout", { method: "POST" });
  if (!response.ok) throw new Error(`The server answered ${response.status}`);
  const { location: door } = (await response.json()) as { location: string | null };
  location.assign(door ?? "/");
}

export async function loadSession(): Promise<void> {
  try {
    setSession((await api.get()).body);
  } catch {
    // A 401 is told by the client already; without an answer nothing is hidden.
  }
}
