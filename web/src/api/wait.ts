/** Waiting for what takes time on the server. */
import { operations } from "./calls.ts";
import type { Operation } from "./types.ts";

const LOOK_MS = 700;
const PATIENCE_MS = 120_000;

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Calls `look` until it answers something; fails when it takes too long. */
export async function until<T>(look: () => Promise<T | null>): Promise<T> {
  const end = Date.now() + PATIENCE_MS;
  for (;;) {
    const found = await look();
    if (found !== null) return found;
    if (Date.now() > end) throw new Error("It takes longer than two minutes. Look again later.");
    await pause(LOOK_MS);
  }
}

/** The operation when it has succeeded; fails with its reason when it has not. */
export async function finished(begun: Operation): Promise<Operation> {
  const ended = await until(async () => {
    const { body } = await operations.get(begun.id);
    return /^(queued|running)$/.test(body.state) ? null : body;
  });
  if (ended.state === "succeeded") return ended;
  throw new Error([ended.reason ?? "It did not succeed.", ended.hint].filter(Boolean).join(" "));
}
