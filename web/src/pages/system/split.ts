/** Sorts the system document into facts, groups of facts, and tables, so that new parts just appear. */

export type Value = string | number | boolean | null | object;
export type Row = Record<string, Value>;

export interface Parts {
  facts: [string, Value][];
  groups: [string, [string, Value][]][];
  tables: [string, { columns: string[]; rows: Row[] }][];
}

const isRow = (value: unknown): value is Row =>
  typeof value === "object" && value !== null && !Array.isArray(value);

export function split(body: Record<string, unknown>): Parts {
  const parts: Parts = { facts: [], groups: [], tables: [] };
  for (const [name, value] of Object.entries(body)) {
    if (Array.isArray(value)) {
      const rows = value.map((item): Row => (isRow(item) ? item : { name: item as Value }));
      parts.tables.push([name, table(rows)]);
    } else if (isRow(value)) {
      const inner = Object.entries(value);
      // Objects by name, such as `{scheduler: {holder, epoch}}`, are a table with a first column.
      if (inner.length > 0 && inner.every(([, item]) => isRow(item))) {
        const rows = inner.map(([key, item]): Row => ({ name: key, ...(item as Row) }));
        parts.tables.push([name, table(rows)]);
      } else {
        parts.groups.push([name, inner]);
      }
    } else {
      parts.facts.push([name, (value ?? null) as Value]);
    }
  }
  return parts;
}

/** What is wrong among parts, each `{name, healthy, detail}`; null when these are no parts. */
export function faultsOf(values: unknown[]): string[] | null {
  const parts = values.filter((value): value is Row => isRow(value) && "healthy" in value);
  if (parts.length < values.length) return null;
  return parts
    .filter((part) => part.healthy !== true)
    .map(({ name, detail }) => `${String(name)}: ${String(detail ?? "not well")}`);
}

function table(rows: Row[]): { columns: string[]; rows: Row[] } {
  return { columns: [...new Set(rows.flatMap((row) => Object.keys(row)))], rows };
}
