/** Distinct values of a field over the fleet, for suggestions. */
import { fleet } from "../../live/store.ts";

export const known = (field: "region" | "instance_type"): string[] =>
  [...new Set(fleet().map((worker) => worker[field]))].filter((v): v is string => !!v).sort();
