/** Saves a lab's file. The controller may need a while to write it. */
import { labs as api } from "../../api/calls.ts";
import { until } from "../../api/wait.ts";
import type { Lab } from "../../api/types.ts";

const ACCEPTED = 202;

export async function downloadLab(lab: Lab): Promise<void> {
  const file = await until(async () => {
    const { status, body } = await api.download(lab.worker_id, lab.id);
    return status === ACCEPTED ? null : String(body);
  });
  const address = URL.createObjectURL(new Blob([file], { type: "application/yaml" }));
  const link = document.createElement("a");
  link.href = address;
  link.download = `${fileName(lab.title ?? lab.id)}.yaml`;
  link.click();
  // The browser has taken it over by then.
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}

const fileName = (title: string) => title.replace(/[^\p{L}\p{N}._-]+/gu, "-").slice(0, 80);
