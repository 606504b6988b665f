// src/ to dist/: embeds the kernels, compiles, and makes the command executable. It bundles nothing.
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, readdirSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { embed } from "./embed.mjs";

process.chdir(fileURLToPath(new URL("..", import.meta.url)));
embed();
const tsc = spawnSync(process.execPath, ["node_modules/typescript/bin/tsc", "-p", "tsconfig.build.json"], { stdio: "inherit" });
if (tsc.status !== 0) process.exit(1);

// tsc leaves what it made of sources that are gone. The rest stays in place: a program may be running from it.
for (const file of readdirSync("dist", { recursive: true, encoding: "utf8" })) {
  const source = file.replace(/(\.d\.ts|\.js)(\.map)?$/, ".ts");
  if (source !== file && !existsSync(`src/${source}`)) rmSync(`dist/${file}`);
}
if (existsSync("dist/cli/elbo.js")) chmodSync("dist/cli/elbo.js", 0o755);
