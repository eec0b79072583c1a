import { defineConfig } from "vitest/config";
import react from "@vitejs/plugin-react";
import type { Plugin } from "vite";

const BASE = "/dashboard/";

/** `npm run dev` against a running core: calls go through with the API key of the environment, so no login is needed. */
function developmentSession(): Plugin {
  return {
    name: "aurareels-development-session",
    apply: "serve",
    configureServer(server) {
      const session = { user: 1, session: "development", expires_at: "2099-01-01T00:00:00Z" };
      server.middlewares.use("/dashboard/session", (request, response, next) => {
        if (!process.env.AURAREELS_API_KEY || request.url !== "/") {
          next();
          return;
        }
        response.setHeader("content-type", "application/json");
        response.end(JSON.stringify(session));
      });
    },
  };
}

const core = process.env.AURAREELS_ADDRESS ?? "http://127.0.0.1:50051";
const key = process.env.AURAREELS_API_KEY;
const proxied = { target: core, changeOrigin: true, headers: key ? { authorization: `Bearer ${key}` } : {} };

export default defineConfig({
  base: BASE,
  plugins: [react(), developmentSession()],
  server: { proxy: { "/aurareels.v1.": proxied, "/dashboard/session": proxied } },
  build: {
    target: "es2022",
    manifest: "manifest.json",
    modulePreload: { polyfill: false },
    // Nothing inline: the page's policy allows no data: scripts, and pictures are few.
    assetsInlineLimit: 0,
    reportCompressedSize: false,
    // The limit is what a view needs, compressed: scripts/size.mjs.
    chunkSizeWarningLimit: 1_000,
    rolldownOptions: {
      output: {
        codeSplitting: {
          groups: [
            // One file for what every page needs and one for what most views share: a browser loads six files at a time.
            // The entry is left out, so that `manifest.json` still names it.
            { name: "base", tags: ["$initial"], test: /^(?!.*src[\\/]main\.tsx)/, priority: 2 },
            { name: "shared", minShareCount: 5, priority: 1 },
          ],
        },
      },
    },
  },
  experimental: {
    // Scripts find each other by their own address, so that the same files work where WordPress serves them.
    renderBuiltUrl: (file, { hostType }) => (hostType === "js" ? { relative: true } : BASE + file),
  },
  test: { include: ["tests/**/*.test.{ts,tsx}"] },
});
