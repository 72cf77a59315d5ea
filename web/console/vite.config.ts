import { readFileSync } from "node:fs";
import { tanstackRouter } from "@tanstack/router-plugin/vite";
import react from "@vitejs/plugin-react";
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";

// Where the dev server finds the API: a server started with ./dev run, or another one named here.
const server = process.env.FEALTY_CONSOLE_SERVER ?? "http://127.0.0.1:3333";
const apiPaths = [
  "/v1",
  "/v2",
  "/apis",
  "/api",
  "/auth",
  "/account",
  "/communities",
  "/servers",
  "/roles",
  "/channels",
  "/avatars",
  "/docs",
  "/openapi.json",
];

const beforePaint = "src/theme/before_paint.js";

/** Vite bundles modules alone; this script is none, and stands first in the page under a name with its hash. */
function scriptBeforePaint(): Plugin {
  let building = false;
  return {
    name: "script-before-paint",
    configResolved(config) {
      building = config.command === "build";
    },
    buildStart() {
      if (!building) return;
      const source = readFileSync(new URL(beforePaint, import.meta.url), "utf8");
      this.emitFile({ type: "asset", name: "before_paint.js", source });
    },
    transformIndexHtml(_, { bundle }) {
      const built = Object.values(bundle ?? {}).find((one) => one.fileName.startsWith("assets/before_paint"));
      return [{ tag: "script", attrs: { src: `/${built?.fileName ?? beforePaint}` }, injectTo: "head-prepend" }];
    },
  };
}

export default defineConfig({
  plugins: [scriptBeforePaint(), tanstackRouter({ target: "react", autoCodeSplitting: true }), react()],
  build: {
    outDir: "../../build/console",
    emptyOutDir: true,
    target: "es2022",
    // The page's policy allows no data: fonts, and each file is kept for good by its hash anyway.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    license: { fileName: "assets/licenses.md" },
    // The budget is 250 kB compressed for the first load; a chunk this large uncompressed would not fit in it.
    chunkSizeWarningLimit: 700,
  },
  server: {
    // The cookie is for our own pages: the server must see this origin as its own.
    proxy: Object.fromEntries(apiPaths.map((path) => [path, { target: server, changeOrigin: false }])),
  },
  resolve: { tsconfigPaths: true },
  test: { include: ["src/**/*.test.{ts,tsx}"] },
});
