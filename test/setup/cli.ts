// Runs the `elbo` command as a user does: the built file, in a process of its own.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../", import.meta.url));
const script = join(root, "dist/cli/elbo.js");

/** Builds what is missing or older than its source. */
export function built(): void {
  const sources = readdirSync(join(root, "src"), { recursive: true, encoding: "utf8" }).filter((file) => !file.endsWith(".wgsl.ts"));
  const newest = Math.max(...sources.map((file) => statSync(join(root, "src", file)).mtimeMs));
  if (existsSync(script) && statSync(script).mtimeMs > newest) return;
  const { status, stdout } = spawnSync(process.execPath, [join(root, "scripts/build.mjs")], { encoding: "utf8" });
  if (status !== 0) throw new Error(`the build failed: ${stdout}`);
}

export interface Ended {
  /** The exit code, or the signal. */
  readonly code: number | string | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Started {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  /** Resolves when a text has been written to stdout or stderr. */
  seen(text: string): Promise<void>;
}

export interface Where {
  readonly cwd: string;
  readonly env?: Record<string, string>;
  /** For node itself. */
  readonly node?: readonly string[];
}

export function start({ cwd, env = {}, node = [] }: Where, ...args: string[]): Started {
  const { NO_COLOR: _, FORCE_COLOR: __, CI: ___, ...rest } = process.env; // vitest and its hosts set them; all three decide on colour
  const child = spawn(process.execPath, [...node, script, ...args], { cwd, env: { ...rest, ...env }, stdio: ["ignore", "pipe", "pipe"] });
  const written = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) child[name].setEncoding("utf8").on("data", (text) => (written[name] += text));
  const ended = new Promise<Ended>((resolve, reject) => {
    child.on("error", reject).on("close", (code, signal) => resolve({ code: code ?? signal, ...written }));
  });
  const seen = (text: string) =>
    new Promise<void>((resolve, reject) => {
      const look = () => (written.stdout + written.stderr).includes(text) && resolve();
      for (const name of ["stdout", "stderr"] as const) child[name].on("data", look);
      look();
      ended.then((end) => reject(new Error(`"${text}" never came: ${JSON.stringify(end)}`)));
    });
  return { child, ended, seen };
}

export const elbo = (where: Where, ...args: string[]): Promise<Ended> => start(where, ...args).ended;
