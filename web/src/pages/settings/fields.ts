/** Turns a settings document into form fields and back, without knowing its keys beforehand. */

export type Json = string | number | boolean | null | Json[] | { [key: string]: Json };

export interface Field {
  path: readonly string[];
  /** The JSON pointer by which the server names it in an error. */
  pointer: string;
  /** The name of the first level, `general` for what has none. */
  group: string;
  kind: "text" | "number" | "switch" | "list" | "json";
}

/** Maps with keys of the users' own, and things that are `null` until they are set as a whole. */
const WHOLE = new Set([
  "/provisioning/regions",
  "/provisioning/default_tags",
  "/provisioning/image",
]);

/** What the server keeps for itself. */
const NOT_OURS = new Set(["rev", "id", "changed_at", "changed_by", "updated_at", "updated_by"]);

/** What people set, without what the server keeps beside it. */
export function settable(document: { [key: string]: Json }): { [key: string]: Json } {
  return Object.fromEntries(Object.entries(document).filter(([key]) => !NOT_OURS.has(key)));
}

export function fieldsOf(document: { [key: string]: Json }): Field[] {
  const fields: Field[] = [];
  const walk = (value: Json, path: readonly string[]): void => {
    const whole = WHOLE.has(pointerOf(path));
    if (
      !whole &&
      typeof value === "object" &&
      value !== null &&
      !Array.isArray(value) &&
      path.length < 3
    ) {
      for (const [key, inner] of Object.entries(value)) {
        walk(inner, [...path, key]);
      }
      return;
    }
    fields.push({
      path,
      pointer: pointerOf(path),
      group: path.length > 1 ? (path[0] ?? "general") : "general",
      kind: whole ? "json" : kindOf(value),
    });
  };
  walk(document, []);
  // What takes room comes after what does not.
  const tall = (field: Field) => Number(field.kind === "list" || field.kind === "json");
  return fields.sort((a, b) => tall(a) - tall(b));
}

const pointerOf = (path: readonly string[]) =>
  `/${path.map((p) => p.replaceAll("~", "~0").replaceAll("/", "~1")).join("/")}`;

function kindOf(value: Json): Field["kind"] {
  if (typeof value === "boolean") return "switch";
  if (typeof value === "number") return "number";
  if (value === null || typeof value === "string") return "text";
  if (Array.isArray(value) && value.every((item) => typeof item === "string")) return "list";
  return "json";
}

export function valueAt(document: Json, path: readonly string[]): Json {
  let value: Json | undefined = document;
  for (const key of path) {
    if (typeof value !== "object" || value === null || Array.isArray(value)) return null;
    value = value[key];
  }
  return value ?? null;
}

/** A copy of the document with one value replaced. */
export function setAt(document: Json, path: readonly string[], value: Json): Json {
  const [key, ...rest] = path;
  if (key === undefined) return value;
  const object =
    typeof document === "object" && document !== null && !Array.isArray(document) ? document : {};
  return { ...object, [key]: setAt(object[key] ?? null, rest, value) };
}

export function changedPointers(before: { [key: string]: Json }, after: Json): string[] {
  return fieldsOf(before)
    .filter((field) => {
      const [a, b] = [valueAt(before, field.path), valueAt(after, field.path)];
      return JSON.stringify(a) !== JSON.stringify(b);
    })
    .map((field) => field.pointer);
}
