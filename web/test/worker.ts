/** A worker for tests, with everything that a test does not name left at rest. */
import type { Worker } from "../src/api/types.ts";

export function aWorker(id: string, more: Partial<Worker> = {}): Worker {
  return {
    id,
    rev: 1,
    name: id,
    region: "us-east-1",
    account: null,
    instance_id: `i-${id}`,
    instance_type: "c5.2xlarge",
    ami: null,
    state: "running",
    state_since: null,
    stages: null,
    service: "available",
    endpoint: null,
    addresses: null,
    tags: null,
    cml: null,
    license: null,
    metrics: null,
    activity: null,
    idle: null,
    want: { power: "on" },
    operation: null,
    created_at: null,
    updated_at: null,
    ...more,
  };
}
