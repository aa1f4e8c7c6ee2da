/**
 * A make-believe API for working on the UI: the routes the UI calls, over a fleet that moves by
 * itself. It checks little and forgets everything; `ccm-standalone --simulate` is the real thing.
 *
 *   npm run fake                 on 127.0.0.1:8080, for `npm run dev`
 *   npm run fake -- --assets     also serves the built UI, as the real server does
 */
import { createServer } from "node:http";
import { readFile } from "node:fs/promises";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { FakeFleet, frameOf } from "./fake-fleet.mjs";
import { answer, problem } from "./fake-routes.mjs";

const port = Number(process.env.PORT ?? 8080);
const assets = process.argv.includes("--assets")
  ? fileURLToPath(new URL("../../services/api/assets/", import.meta.url))
  : null;
const CSP =
  "default-src 'self'; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'";
const fleet = new FakeFleet(Number(process.env.WORKERS ?? 12));
setInterval(() => fleet.tick(), 2000);
setInterval(() => fleet.stir(), 5000);
setInterval(() => fleet.beat(), 15_000);

function stream(req, res, query) {
  res.writeHead(200, {
    "Content-Type": "text/event-stream",
    "Cache-Control": "no-store, no-transform",
  });
  res.write(`retry: 1500\nid: ${fleet.seq}\n\n`);
  const after = Number(query.get("last_event_id") ?? 0);
  if (after > 0) {
    for (const e of fleet.log) if (Number(e.sequence) > after) res.write(frameOf(e));
  } else {
    const all = [...fleet.workers.values()];
    const of = Math.max(1, Math.ceil(all.length / 5));
    for (let p = 0; p < of; p++) {
      const data = {
        cursor: String(fleet.seq),
        part: p + 1,
        of,
        workers: all.slice(p * 5, p * 5 + 5),
      };
      res.write(`event: snapshot\ndata: ${JSON.stringify(data)}\n\n`);
    }
  }
  fleet.clients.add(res);
  req.on("close", () => fleet.clients.delete(res));
}

const TYPES = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".css": "text/css",
  ".svg": "image/svg+xml",
};
async function file(path, res) {
  const name = extname(path) === "" ? "index.html" : normalize(path);
  try {
    const content = await readFile(join(assets, name));
    res.writeHead(200, {
      "Content-Type": TYPES[extname(name)] ?? "application/octet-stream",
      "Content-Security-Policy": CSP,
    });
    res.end(content);
  } catch {
    res.writeHead(404).end();
  }
}

createServer(async (req, res) => {
  const url = new URL(req.url, "http://localhost");
  if (url.pathname === "/readyz") return res.writeHead(200).end("ok");
  if (!url.pathname.startsWith("/api/v1/"))
    return assets ? file(url.pathname, res) : res.writeHead(404).end();
  const parts = url.pathname.slice(8).split("/").map(decodeURIComponent);
  if (parts[0] === "events" && parts.length === 1) return stream(req, res, url.searchParams);
  let text = "";
  for await (const chunk of req) text += chunk;
  const body =
    /json/.test(req.headers["content-type"] ?? "") && text !== "" ? JSON.parse(text) : {};
  const needsMatch = req.method === "PUT" || req.method === "PATCH";
  const found =
    needsMatch && !req.headers["if-match"]
      ? problem(428, "Precondition required", "Send If-Match.")
      : (answer(fleet, req.method, parts, url.searchParams, body, req.headers.cookie ?? "") ??
        problem(404, "Not found", `There is no ${url.pathname}.`));
  const type = found.status >= 400 ? "application/problem+json" : "application/json";
  res.writeHead(found.status, {
    "Content-Type": type,
    ...(found.etag ? { ETag: found.etag } : {}),
  });
  res.end(JSON.stringify(found.body));
}).listen(port, "127.0.0.1", () => console.log(`make-believe API on http://127.0.0.1:${port}`));
