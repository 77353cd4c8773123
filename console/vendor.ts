import { copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import path from "node:path";
import type { Plugin } from "vite";

const resolve = createRequire(import.meta.url).resolve;
const REMOTE_BADGE = "https://cdn.redoc.ly/redoc/logo-mini.svg";
const EMPTY_IMAGE = "data:image/gif;base64,R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw==";

/** Puts Swagger UI and ReDoc into vendor/, so that the server shows its API documentation offline. */
export function vendorApiDocs(): Plugin {
  let folder = "";
  return {
    name: "lianpu-vendor-api-docs",
    apply: "build",
    configResolved(config) {
      folder = path.resolve(config.root, config.build.outDir, "vendor");
    },
    async closeBundle() {
      await mkdir(folder, { recursive: true });
      const swagger = path.dirname(resolve("swagger-ui-dist/package.json"));
      for (const name of ["swagger-ui.css", "swagger-ui-bundle.js", "swagger-ui-bundle.js.LICENSE.txt"]) {
        await copyFile(path.join(swagger, name), path.join(folder, name));
      }
      const redoc = path.join(path.dirname(resolve("redoc/package.json")), "bundles");
      await copyFile(
        path.join(redoc, "redoc.standalone.js.LICENSE.txt"),
        path.join(folder, "redoc.standalone.js.LICENSE.txt"),
      );
      const standalone = await readFile(path.join(redoc, "redoc.standalone.js"), "utf8");
      if (!standalone.includes(REMOTE_BADGE)) {
        throw new Error("ReDoc's badge has another address now: see what it would fetch from the network");
      }
      await writeFile(
        path.join(folder, "redoc.standalone.js"),
        standalone.replaceAll(REMOTE_BADGE, EMPTY_IMAGE).replace(/\n\/\/# sourceMappingURL=.*\s*$/, "\n"),
      );
    },
  };
}
