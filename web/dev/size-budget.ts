/** Fails the build when what a first visit downloads grows beyond the budget. */
import { gzipSync } from "node:zlib";
import type { Plugin } from "vite";

const kb = (bytes: number) => `${(bytes / 1024).toFixed(1)} KB`;

export function sizeBudget({ limitKb }: { limitKb: number }): Plugin {
  return {
    name: "size-budget",
    apply: "build",
    generateBundle: {
      order: "post",
      handler(_options, bundle) {
        let first = 0;
        for (const [name, item] of Object.entries(bundle)) {
          const content = item.type === "chunk" ? item.code : item.source;
          const size = gzipSync(content, { level: 9 }).length;
          // Pages that are loaded on demand are not part of the first visit.
          const onDemand = item.type === "chunk" && item.isDynamicEntry;
          if (!onDemand) first += size;
          this.info(`${name}  ${kb(size)} gzip${onDemand ? " (on demand)" : ""}`);
        }
        this.info(`first load ${kb(first)} gzip of ${limitKb} KB`);
        if (first > limitKb * 1024) {
          this.error(`first load is ${kb(first)} gzip, more than the budget of ${limitKb} KB`);
        }
      },
    },
  };
}
