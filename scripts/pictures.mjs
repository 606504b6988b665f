// Makes the pictures that the README shows, in docs/pictures: node scripts/pictures.mjs DIGITS SHAPES
// DIGITS is a run as `npm start` leaves it, SHAPES one of `elbo train --data shapes --model conv64`, which takes long.
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const [digits, shapes] = process.argv.slice(2);
if (!shapes) throw new Error("two runs are needed: node scripts/pictures.mjs DIGITS SHAPES");

const root = fileURLToPath(new URL("..", import.meta.url));
const to = join(root, "docs/pictures");
const scratch = mkdtempSync(join(tmpdir(), "elbo-pictures-"));
mkdirSync(to, { recursive: true });
elbo("sample", digits, "--count", "64", "--out", join(to, "samples.png"));
elbo("interpolate", digits, "--between", "1,3,6,12", "--out", join(to, "between.png"));
elbo("map", digits, "--method", "umap", "--count", "800", "--out", scratch);
copyFileSync(join(scratch, "map.svg"), join(to, "map.svg"));
elbo("traverse", shapes, "--out", join(to, "latents.png"));
rmSync(scratch, { recursive: true });

/** @param {...string} args */
function elbo(...args) {
  const { status } = spawnSync(process.execPath, [join(root, "dist/cli/elbo.js"), ...args], { stdio: "inherit" });
  if (status !== 0) throw new Error(`elbo ${args.join(" ")} failed`);
}
