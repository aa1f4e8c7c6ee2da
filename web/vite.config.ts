import { defineConfig } from "vitest/config";
import solid from "vite-plugin-solid";
import { sizeBudget } from "./dev/size-budget.ts";

/** Where `npm run dev` finds the API: a real server, or `npm run fake`. */
const api = process.env.CCM_BASE_URL ?? "http://127.0.0.1:8080";

export default defineConfig({
  plugins: [solid(), sizeBudget({ limitKb: 150 })],
  build: {
    outDir: "../services/api/assets",
    // `public/.gitkeep` is copied back, so the folder exists in a fresh clone.
    emptyOutDir: true,
    target: ["chrome123", "firefox128", "safari17.5"],
    // The server's content security policy knows no `data:` addresses.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  server: {
    host: "127.0.0.1",
    proxy: { "/api": api, "/auth": api },
  },
  test: {
    include: ["test/**/*.test.ts"],
    environment: "node",
  },
});
