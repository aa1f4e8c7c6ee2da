/** The table of workers. On small screens the same rows are drawn as cards, by style alone. */
import { createRenderEffect, For, Show, type JSX } from "solid-js";
import { Icon } from "../../parts/icon.tsx";
import { setQuery } from "../../router.ts";
import { nextSort, type Filters, type SortKey } from "./filters.ts";
import { FleetRow } from "./row.tsx";

interface Column {
  key: SortKey;
  text: string;
  class: string;
}

const COLUMNS: readonly Column[] = [
  { key: "name", text: "Name", class: "col-name" },
  { key: "state", text: "State", class: "col-state" },
  { key: "service", text: "Service", class: "col-service" },
  { key: "region", text: "Region, type", class: "col-where" },
  { key: "cpu", text: "CPU", class: "col-cpu" },
  { key: "memory", text: "Memory", class: "col-memory" },
  { key: "labs", text: "Labs", class: "col-labs" },
  { key: "license", text: "License", class: "col-license" },
  { key: "idle", text: "Idle", class: "col-idle" },
];

export function FleetTable(props: {
  ids: readonly string[];
  filters: Filters;
  selected: ReadonlySet<string>;
  select: (ids: ReadonlySet<string>) => void;
  pointing: (yes: boolean) => void;
}): JSX.Element {
  let anchor: string | null = null;
  const allSelected = () => props.ids.every((id) => props.selected.has(id));
  const someSelected = () => props.ids.some((id) => props.selected.has(id));

  /** With shift, everything between the last one and this one. */
  function toggle(id: string, range: boolean): void {
    const next = new Set(props.selected);
    const on = !next.has(id);
    const [from, to] = [props.ids.indexOf(anchor ?? id), props.ids.indexOf(id)];
    const touched =
      range && from !== -1 ? props.ids.slice(Math.min(from, to), Math.max(from, to) + 1) : [id];
    for (const one of touched) on ? next.add(one) : next.delete(one);
    anchor = id;
    props.select(next);
  }

  return (
    <div class="fleet-box">
      <table class="fleet-table" role="table" aria-label="Workers">
        <thead role="rowgroup">
          <tr role="row">
            <th role="columnheader" class="col-check">
              <input
                type="checkbox"
                aria-label="Select all"
                checked={allSelected()}
                ref={(box) =>
                  createRenderEffect(() => (box.indeterminate = !allSelected() && someSelected()))
                }
                onChange={() => props.select(new Set(allSelected() ? [] : props.ids))}
              />
            </th>
            <For each={COLUMNS}>{(column) => <Head column={column} filters={props.filters} />}</For>
            <th role="columnheader" class="col-actions">
              <span class="sr-only">Actions</span>
            </th>
          </tr>
        </thead>
        <tbody
          role="rowgroup"
          onPointerEnter={(event) => event.pointerType === "mouse" && props.pointing(true)}
          onPointerLeave={() => props.pointing(false)}
        >
          <For each={props.ids}>
            {(id) => (
              <FleetRow
                id={id}
                selected={props.selected.has(id)}
                toggle={(range) => toggle(id, range)}
              />
            )}
          </For>
        </tbody>
      </table>
    </div>
  );
}

function Head(props: { column: Column; filters: Filters }): JSX.Element {
  const on = () => props.filters.sort === props.column.key;
  const order = () => (!on() ? "none" : props.filters.descending ? "descending" : "ascending");
  return (
    <th role="columnheader" class={props.column.class} aria-sort={order()}>
      <button
        type="button"
        class="sort"
        data-on={on()}
        onClick={() => setQuery({ sort: nextSort(props.filters, props.column.key) })}
      >
        {props.column.text}
        <Show when={on()}>
          <Icon name={props.filters.descending ? "down" : "up"} />
        </Show>
      </button>
    </th>
  );
}
