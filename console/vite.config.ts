import { fileURLToPath } from "node:url";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";
import { vendorApiDocs } from "./vendor.ts";

const server = process.env.CONSOLE_SERVER ?? "http://127.0.0.1:8000";

export default defineConfig({
  plugins: [react(), vendorApiDocs()],
  resolve: { alias: { "#": fileURLToPath(new URL("./src", import.meta.url)) } },
  build: {
    outDir: process.env.LIANPU_CONSOLE_OUT ?? "dist",
    emptyOutDir: true,
    target: "es2022",
    // Inlined files would be data: addresses, which a strict content security policy refuses.
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 700,
  },
  server: {
    proxy: Object.fromEntries(["/api", "/health"].map((path) => [path, { target: server, ws: true }])),
  },
  test: { include: ["src/**/*.test.ts"] },
});
