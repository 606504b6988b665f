// How the command ends before its time. The first Ctrl-C asks a command that has something to save to come to its end, the second ends
// it at once. A command with nothing to save ends at the first.

import { note, showLive } from "./terminal.ts";

const CODES = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const; // 128 + the signal's number, as a shell reports it
const SIGPIPE = 141;

let saving: AbortController | undefined;

/** From here on an interruption aborts this signal, and ends the process only when it comes again. */
export function stopSignal(): AbortSignal {
  saving ??= new AbortController();
  return saving.signal;
}

function interrupt(code: number, message = ""): void {
  process.exitCode = code;
  if (!saving || saving.signal.aborted) {
    showLive(""); // or the shell's prompt would follow it
    process.exit(code);
  }
  saving.abort();
  if (message) note(message);
}

/** Takes over the signals, and the end of whoever reads the output. */
export function handleSignals(): void {
  for (const [name, code] of Object.entries(CODES)) {
    process.on(name, () => interrupt(code, "stopping after this step and saving the run; once more to stop at once"));
  }
  let broken = false;
  const onError = (error: NodeJS.ErrnoException) => {
    if (broken) return; // every later write fails too
    broken = true;
    if (error.code === "EPIPE") return interrupt(SIGPIPE);
    note(`elbo: the output cannot be written: ${error.message}`);
    interrupt(1);
  };
  process.stdout.on("error", onError);
  process.stderr.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") onError(error); // anything else is a terminal that was closed: SIGHUP tells
  });
}
