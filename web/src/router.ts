/** Pages and their addresses. State worth sharing (filters, tabs) lives in the address. */
import { batch, createSignal } from "solid-js";

export type Route =
  | { page: "fleet" }
  | { page: "worker"; id: string }
  | { page: "labs" }
  | { page: "jobs" }
  | { page: "settings" }
  | { page: "system" }
  | { page: "nowhere" };

export function routeOf(path: string): Route {
  const [first = "", second, ...more] = path.split("/").filter((part) => part !== "");
  if (more.length > 0) return { page: "nowhere" };
  if (first === "workers" && second !== undefined) {
    return { page: "worker", id: decodeURIComponent(second) };
  }
  if (second !== undefined) return { page: "nowhere" };
  switch (first) {
    case "":
    case "workers":
      return { page: "fleet" };
    case "labs":
    case "jobs":
    case "settings":
    case "system":
      return { page: first };
    default:
      return { page: "nowhere" };
  }
}

export const workerPath = (id: string) => `/workers/${encodeURIComponent(id)}`;

const inBrowser = typeof location !== "undefined";
const [path, setPath] = createSignal(inBrowser ? location.pathname : "/");
const [search, setSearch] = createSignal(inBrowser ? location.search : "");

/** Tells the new place; who only reads the path is not bothered by a changed query. */
function look(): void {
  batch(() => {
    setPath(location.pathname);
    setSearch(location.search);
  });
}

export { path };
export const route = () => routeOf(path());
export const query = () => new URLSearchParams(search());

export function navigate(to: string, how: { replace?: boolean } = {}): void {
  const before = path();
  if (how.replace) history.replaceState(null, "", to);
  else history.pushState(null, "", to);
  look();
  if (before !== path()) scrollTo(0, 0);
}

/** Changes parts of the query; `null` or empty removes. Typing does not fill the history. */
export function setQuery(changes: Record<string, string | null>): void {
  const params = query();
  for (const [key, value] of Object.entries(changes)) {
    if (value === null || value === "") params.delete(key);
    else params.set(key, value);
  }
  const text = params.toString();
  navigate(text === "" ? path() : `${path()}?${text}`, { replace: true });
}

/** Lets ordinary links move inside the page; called once. */
export function startRouter(): void {
  addEventListener("popstate", look);
  document.addEventListener("click", (event) => {
    if (event.defaultPrevented || event.button !== 0) return;
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const link = (event.target as Element | null)?.closest("a");
    if (!link || link.target !== "" || link.hasAttribute("download")) return;
    if (link.origin !== location.origin || /^\/(api|auth)\//.test(link.pathname)) return;
    event.preventDefault();
    navigate(link.pathname + link.search);
  });
}
