/** How events change the lists of the jobs page. */
import { readRun, readSchedule } from "../../api/read.ts";
import type { Run, Schedule } from "../../api/types.ts";
import type { LiveMessage } from "../../live/model.ts";

export function patchSchedules(list: Schedule[], { type, data: told }: LiveMessage): Schedule[] {
  if (type === "schedule.changed") {
    const data = readSchedule(told);
    return list.map((known) =>
      known.name === data.name && newer(known.rev, data.rev)
        ? ({ ...known, ...data } as Schedule)
        : known,
    );
  }
  if (type.startsWith("run.")) {
    const run = readRun(told) as Partial<Run>;
    return list.map((known) => (known.name === run.schedule ? { ...known, last_run: run } : known));
  }
  return list;
}

const newer = (known: number | null, told: unknown) =>
  known === null || typeof told !== "number" || told > known;

/** Runs newest first, the told one patched in or put on top. */
export function patchRuns(
  list: Run[],
  { type, data: told }: LiveMessage,
  fits: (run: Run) => boolean,
): Run[] {
  const data = readRun(told);
  if (!type.startsWith("run.") || typeof data.id !== "string") return list;
  const known = list.find((run) => run.id === data.id);
  const next = { ...known, ...data } as Run;
  if (known !== undefined) {
    return list.map((run) => (run.id === data.id ? next : run)).filter(fits);
  }
  return fits(next) ? [next, ...list].slice(0, 200) : list;
}
