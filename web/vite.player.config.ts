// Builds <heliograph-player> into web/dist/player.js: one module that pages of other sites load.
import { resolve } from "node:path";
import { defineConfig } from "vite";

export default defineConfig({
  build: {
    outDir: "dist",
    emptyOutDir: false,
    copyPublicDir: false,
    target: "es2022",
    lib: {
      entry: resolve(import.meta.dirname, "src/player/player.ts"),
      formats: ["es"],
      fileName: () => "player.js",
    },
  },
});
