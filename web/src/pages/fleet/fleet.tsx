/** All workers: counts, filters, the table (cards on small screens), and what to do with many. */
import { createEffect, createMemo, createSignal, For, Show, type JSX } from "solid-js";
import { workers as api } from "../../api/calls.ts";
import { plural } from "../../format.ts";
import { AsOf } from "../../live/as-of.tsx";
import { failure, fleet, learn, live, loaded, retryNow } from "../../live/store.ts";
import { Button } from "../../parts/button.tsx";
import { Icon } from "../../parts/icon.tsx";
import { Empty, Failed, Loading } from "../../parts/notice.tsx";
import { complain } from "../../parts/toast.tsx";
import { query, setQuery } from "../../router.ts";
import { may } from "../../session.ts";
import { stopsSoon } from "../../words.ts";
import { BulkBar } from "./bulk.tsx";
import { CreateDialog } from "./create.tsx";
import { ImportDialog } from "./import.tsx";
import { count, holdOrder, readFilters, select, SORTS, type Counts } from "./filters.ts";
import { known } from "./known.ts";
import { FleetTable } from "./table.tsx";
import "./fleet.css";

const CHIPS: readonly { key: string; text: string; count: keyof Counts }[] = [
  { key: "", text: "All", count: "all" },
  { key: "running", text: "Running", count: "running" },
  { key: "changing", text: "Changing", count: "changing" },
  { key: "stopped", text: "Stopped", count: "stopped" },
  { key: "attention", text: "Needs attention", count: "attention" },
  { key: "terminated", text: "Terminated", count: "terminated" },
];

export function FleetPage(): JSX.Element {
  const [dialog, setDialog] = createSignal<"create" | "import" | null>(null);
  const [selected, setSelected] = createSignal<ReadonlySet<string>>(new Set());
  const [pointing, setPointing] = createSignal(false);
  const filters = createMemo(() => readFilters(query()));

  const ids = createMemo<string[]>((before) => {
    const wanted = select(fleet(), filters()).map((worker) => worker.id);
    return pointing() ? holdOrder(before, wanted) : wanted;
  }, []);
  const chosen = createMemo(() => fleet().filter((worker) => selected().has(worker.id)));

  // The stream tells of terminated workers only as they go; the rest is asked for when wanted.
  createEffect(() => {
    if (filters().state !== "terminated") return;
    api.listTerminated().then(learn, (error: unknown) => {
      complain("Terminated workers were not loaded", error);
    });
  });

  return (
    <>
      <header class="page-head">
        <h1>Fleet</h1>
        <AsOf />
        <div class="page-actions">
          <Show when={may("admin")}>
            <Button icon="import" onClick={() => setDialog("import")}>
              Import
            </Button>
            <Button icon="plus" kind="primary" onClick={() => setDialog("create")}>
              Create
            </Button>
          </Show>
        </div>
      </header>

      <Summary />
      <FilterBar />

      <section class="panel fleet" aria-label="Workers" classList={{ stale: loaded() && !live() }}>
        <Show
          when={loaded()}
          fallback={
            <Show when={failure()} fallback={<Loading label="Loading workers" rows={10} />}>
              {(error) => (
                <Failed error={error()} what="The fleet cannot be shown" retry={retryNow} />
              )}
            </Show>
          }
        >
          <Show when={ids().length > 0} fallback={<Nothing />}>
            <FleetTable
              ids={ids()}
              filters={filters()}
              selected={selected()}
              select={setSelected}
              pointing={setPointing}
            />
          </Show>
        </Show>
      </section>

      <BulkBar workers={chosen()} clear={() => setSelected(new Set<string>())} />
      <Show when={dialog() === "create"}>
        <CreateDialog close={() => setDialog(null)} />
      </Show>
      <Show when={dialog() === "import"}>
        <ImportDialog close={() => setDialog(null)} />
      </Show>
    </>
  );

  function Nothing(): JSX.Element {
    const none = () => !fleet().some((worker) => worker.state !== "terminated");
    return (
      <Show
        when={none() && filters().state === ""}
        fallback={
          <Empty icon="search" title="No worker matches">
            <Button onClick={() => setQuery({ q: null, region: null, state: null })}>
              Clear the filters
            </Button>
          </Empty>
        }
      >
        <Empty icon="fleet" title="No workers yet">
          Create one, or import instances that run already.
        </Empty>
      </Show>
    );
  }
}

function Summary(): JSX.Element {
  const counts = createMemo(() => count(fleet()));
  const current = () => readFilters(query()).state;
  const sum = (key: "labs" | "running_nodes") =>
    fleet().reduce((total, worker) => total + (worker.cml?.[key] ?? 0), 0);
  const soon = () => fleet().filter(stopsSoon).length;
  return (
    <div class="summary" classList={{ stale: loaded() && !live() }}>
      <div class="chips" role="group" aria-label="Filter by state">
        <For each={CHIPS}>
          {(chip) => (
            <Show
              when={chip.key !== "terminated" || counts().terminated > 0 || current() === chip.key}
            >
              <button
                type="button"
                class="chip"
                data-chip={chip.key}
                data-any={counts()[chip.count] > 0}
                aria-pressed={current() === chip.key}
                onClick={() => setQuery({ state: current() === chip.key ? null : chip.key })}
              >
                <span class="chip-count num">{loaded() ? counts()[chip.count] : "–"}</span>
                <span>{chip.text}</span>
              </button>
            </Show>
          )}
        </For>
      </div>
      <Show when={loaded()}>
        <p class="totals soft num">
          <span>{plural(sum("labs"), "lab")}</span>
          <span>{plural(sum("running_nodes"), "node")} running</span>
          <Show when={soon() > 0}>
            <span class="tone-warn">{soon()} idle, to be stopped</span>
          </Show>
        </p>
      </Show>
    </div>
  );
}

const SORT_WORDS: Record<string, string> = {
  cpu: "CPU",
  license: "License",
  idle: "Idle deadline",
};

function FilterBar(): JSX.Element {
  const filters = createMemo(() => readFilters(query()));
  const regions = createMemo(() => known("region"));
  return (
    <div class="filters" role="search">
      <div class="filter-text">
        <Icon name="search" size={14} />
        <input
          type="search"
          class="input"
          data-filter
          aria-label="Filter workers"
          placeholder="Name, instance, address, tag=value…"
          value={filters().text}
          onInput={(event) => setQuery({ q: event.currentTarget.value })}
          onKeyDown={(event) => event.key === "Escape" && event.currentTarget.blur()}
        />
      </div>
      <select
        class="input"
        aria-label="Region"
        value={filters().region}
        onChange={(event) => setQuery({ region: event.currentTarget.value })}
      >
        <option value="">All regions</option>
        <For each={regions()}>
          {(region) => (
            <option value={region} selected={region === filters().region}>
              {region}
            </option>
          )}
        </For>
      </select>
      <select
        class="input only-cards"
        aria-label="Sort by"
        value={filters().sort}
        onChange={(event) => setQuery({ sort: event.currentTarget.value })}
      >
        <For each={SORTS}>
          {(key) => (
            <option value={key}>
              {SORT_WORDS[key] ?? key.charAt(0).toUpperCase() + key.slice(1)}
            </option>
          )}
        </For>
      </select>
    </div>
  );
}
