// How a training is shown while it runs: a line that moves where there is a terminal, a plain line now and then where there is none.

import type { StepEvent } from "../vae/index.ts";
import { forStderr, isTerminal, note, showLive, terminalWidth } from "./terminal.ts";

const DRAW_EVERY = 100; // milliseconds: the eye needs no more
const SAY_EVERY = 15_000;

/** Tells of the steps of a training, as often as is useful. */
export function progress({ epochs, batch }: { epochs: number; batch: number }): (step: StepEvent) => void {
  const every = isTerminal() ? DRAW_EVERY : SAY_EVERY;
  const started = performance.now();
  let told = started;
  let last = started;
  const timed = { steps: 0, milliseconds: 0 };
  let begun: number | undefined; // the part that was done before, of a training that is resumed

  return ({ epoch, step, stepsPerEpoch, loss }) => {
    const now = performance.now();
    if (step > 1) {
      timed.steps++; // the time before the first step of an epoch went into other things as well
      timed.milliseconds += now - last;
    }
    last = now;
    const count = (epoch - 1) * stepsPerEpoch + step;
    begun ??= (count - 1) / (epochs * stepsPerEpoch);
    if (now - told < every && step < stepsPerEpoch) return;
    told = now;
    const done = count / (epochs * stepsPerEpoch);
    const left = ((now - started) / (done - begun)) * (1 - done); // what lies between epochs is counted with the steps
    const rate = timed.steps > 0 ? [`${Math.round((timed.steps * batch * 1000) / timed.milliseconds).toLocaleString("en")} images/s`] : [];
    const next = step < stepsPerEpoch ? `${clock(left)} left` : "testing";
    const words = [`loss ${loss.toFixed(2)}`, ...rate, next];
    if (isTerminal()) showLive(line(`epoch ${epoch}/${epochs}`, done, words, terminalWidth(process.stderr)));
    else if (step < stepsPerEpoch) note(`epoch ${epoch}/${epochs}, step ${step}/${stepsPerEpoch}: ${words.join(", ")}`);
  };
}

/** A name, a bar and words; on a narrow terminal the bar goes first, then the words from the right. */
function line(name: string, done: number, words: readonly string[], columns: number): string {
  const room = columns - 1; // the last column would begin a new line
  const width = Math.min(30, room - [name, "", ...words].join("  ").length);
  if (width < 8) {
    let short = name;
    for (const word of words) if (short.length + 2 + word.length <= room) short += `  ${word}`;
    return short.slice(0, room);
  }
  const full = Math.round(done * width);
  const bar = forStderr("cyan", "█".repeat(full)) + forStderr("dim", "░".repeat(width - full));
  return [name, bar, ...words].join("  ");
}

/** Seconds as 0:07, minutes as 12:34, hours as 1:23:45. */
export function clock(milliseconds: number): string {
  const seconds = Math.ceil(milliseconds / 1000);
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const [first, ...rest] = parts[0] === 0 ? parts.slice(1) : parts;
  return [first, ...rest.map((part) => String(part).padStart(2, "0"))].join(":");
}
