// Builds every page of web/*.html into web/dist; the server embeds that folder.
import { readdirSync } from "node:fs";
import { resolve } from "node:path";
import { defineConfig } from "vitest/config";

const pages = readdirSync(import.meta.dirname).filter((file) => file.endsWith(".html"));

export default defineConfig({
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: {
    outDir: "dist",
    target: "es2022",
    sourcemap: false,
    // The pages' content security policy allows no data: scripts or workers.
    assetsInlineLimit: 0,
    rolldownOptions: { input: pages.map((page) => resolve(import.meta.dirname, page)) },
  },
  worker: { format: "es" },
  test: {
    include: ["test/**/*.test.ts"],
    environment: "node",
    // A machine that is busy is no fault: only what never comes ends a test.
    testTimeout: 60_000,
  },
});
