// Starting what is measured: processes of engines, each of which answers one piece of work and ends. One thread is pinned to one core and
// two to two, for some engines take more threads than they are told.
import { execFile, spawnSync } from "node:child_process";
import { promisify } from "node:util";

/**
 * `command` is an error where the program cannot be had. Of products, which take seconds then, one round is enough for who is slow.
 * `relative`: what a sum may be off for the magnitudes in it, where that is more than f32 costs.
 * @typedef {{ engine: string, runtime: string, threads: number, command: readonly string[] | Error, isSlow: boolean, relative?: number }} Engine
 */

/** Those that this process may use; none if there is no taskset to choose with. */
export const cores = availableCores();
const hasTaskset = cores.length > 0;

/** How the processes are pinned, in words. */
export const pinning = hasTaskset ? "pinned to as many cores as threads" : "not pinned to cores: there is no taskset here";

/**
 * What a process prints in that time: a line of JSON, and before it perhaps one for each part of the work, which are kept whatever comes
 * after them. Or its error.
 * @param {Engine} engine @param {string[]} args @param {number} seconds
 * @returns {Promise<Record<string, any> & { parts: Record<string, any>[] }>}
 */
export async function answerOf({ command, threads }, args, seconds) {
  if (command instanceof Error) return { error: command.message, parts: [] };
  const pinned = hasTaskset ? ["taskset", "-c", cores.slice(-threads).join(","), ...command] : command;
  const [program, ...rest] = [...pinned, "--threads", `${threads}`, "--started", `${Date.now()}`, ...args];
  try {
    const env = { ...process.env, OMP_NUM_THREADS: `${threads}`, OPENBLAS_NUM_THREADS: `${threads}` };
    const { stdout } = await promisify(execFile)(program, rest, { timeout: seconds * 1e3, killSignal: "SIGKILL", maxBuffer: 2 ** 26, env });
    const lines = linesOf(stdout);
    return { ...lines.at(-1), parts: lines.slice(0, -1) };
  } catch (error) {
    const { killed, signal, stdout = "", stderr, message } = /** @type {import("node:child_process").ExecFileException} */ (error);
    const parts = linesOf(stdout);
    if (killed) return { error: `no answer after ${seconds} s`, parts };
    return { error: stderr?.match(/^\w*Error.*$/m)?.[0] ?? (signal ? `ended by ${signal}` : message.split("\n")[0]), parts };
  }
}

/** Those of JSON: libraries say this and that. @param {string} text @returns {Record<string, any>[]} */
const linesOf = (text) => text.split("\n").flatMap((line) => (line.startsWith("{") ? [JSON.parse(line)] : []));

function availableCores() {
  const { status, stdout } = spawnSync("taskset", ["-cp", `${process.pid}`], { encoding: "utf8" });
  if (status !== 0) return [];
  const ranges = stdout.trim().split(": ").at(-1)?.split(",") ?? [];
  return ranges.flatMap((range) => {
    const [from, to = from] = range.split("-").map(Number);
    return Array.from({ length: to - from + 1 }, (_, i) => from + i);
  });
}
