// src/ to dist/: embeds the kernels, compiles, and makes the command executable. It bundles nothing.
// With --clean it first removes what an earlier build left (a package is made that way).
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { embed } from "./embed.mjs";

process.chdir(fileURLToPath(new URL("..", import.meta.url)));
if (process.argv.includes("--clean")) rmSync("dist", { recursive: true, force: true });
embed();
const tsc = spawnSync(process.execPath, ["node_modules/typescript/bin/tsc", "-p", "tsconfig.build.json"], { stdio: "inherit" });
if (tsc.status !== 0) process.exit(1);
if (existsSync("dist/cli/elbo.js")) chmodSync("dist/cli/elbo.js", 0o755);
