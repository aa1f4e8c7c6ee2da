/** All labs over all workers. */
import { createMemo, createResource, For, Show, type JSX } from "solid-js";
import { labs as api } from "../../api/calls.ts";
import { countOf, plural } from "../../format.ts";
import { AsOf } from "../../live/as-of.tsx";
import { epoch, labs, learnLabs, live, worker as read } from "../../live/store.ts";
import { Button } from "../../parts/button.tsx";
import { Icon } from "../../parts/icon.tsx";
import { held, Loaded } from "../../parts/loaded.tsx";
import { Empty } from "../../parts/notice.tsx";
import { query, setQuery } from "../../router.ts";
import { nameOf } from "../../words.ts";
import { LabsTable } from "./table.tsx";

const STATES = [
  { value: "", text: "Any state" },
  { value: "STARTED", text: "Started" },
  { value: "STOPPED", text: "Stopped" },
  { value: "DEFINED_ON_CORE", text: "Not started" },
];

export function LabsPage(): JSX.Element {
  const [asked, { refetch }] = createResource(
    () => epoch() + 1,
    async () => {
      learnLabs(await api.all(), null);
      return true;
    },
  );
  const text = () => query().get("q") ?? "";
  const state = () => query().get("state") ?? "";
  const host = (id: string) => {
    const worker = read(id);
    return worker === undefined ? id : nameOf(worker);
  };

  const shown = createMemo(() => {
    const sought = text().toLowerCase().split(/\s+/).filter(Boolean);
    return [...labs().values()]
      .filter((lab) => state() === "" || (lab.state ?? "").toUpperCase() === state())
      .filter((lab) => {
        const hay = `${lab.title} ${lab.owner} ${lab.id} ${host(lab.worker_id)}`.toLowerCase();
        return sought.every((word) => hay.includes(word));
      })
      .sort((a, b) => (a.title ?? a.id).localeCompare(b.title ?? b.id) || a.id.localeCompare(b.id));
  });
  const started = () =>
    shown().filter((lab) => (lab.state ?? "").toUpperCase() === "STARTED").length;
  const nodes = () => shown().reduce((sum, lab) => sum + (countOf(lab.nodes) ?? 0), 0);

  return (
    <>
      <header class="page-head">
        <h1>Labs</h1>
        <AsOf />
        <p class="totals soft num">
          <Show when={held(asked)}>
            <span>{plural(shown().length, "lab")}</span>
            <span>{started()} started</span>
            <span>{plural(nodes(), "node")}</span>
          </Show>
        </p>
      </header>
      <div class="filters" role="search">
        <div class="filter-text">
          <Icon name="search" size={14} />
          <input
            type="search"
            class="input"
            data-filter
            aria-label="Filter labs"
            placeholder="Title, owner, worker…"
            value={text()}
            onInput={(event) => setQuery({ q: event.currentTarget.value })}
          />
        </div>
        <select
          class="input"
          aria-label="State"
          value={state()}
          onChange={(event) => setQuery({ state: event.currentTarget.value })}
        >
          <For each={STATES}>{(one) => <option value={one.value}>{one.text}</option>}</For>
        </select>
      </div>
      <section class="panel" aria-label="Labs" classList={{ stale: !live() }}>
        <Loaded of={asked} what="The labs" retry={() => void refetch()} rows={8}>
          {() => (
            <Show
              when={shown().length > 0}
              fallback={
                <Show
                  when={labs().size > 0}
                  fallback={
                    <Empty icon="labs" title="No labs yet">
                      They appear when a worker is ready and its labs were read.
                    </Empty>
                  }
                >
                  <Empty icon="search" title="No lab matches">
                    <Button onClick={() => setQuery({ q: null, state: null })}>
                      Clear the filters
                    </Button>
                  </Empty>
                </Show>
              }
            >
              <LabsTable labs={shown()} showWorker />
            </Show>
          )}
        </Loaded>
      </section>
    </>
  );
}
