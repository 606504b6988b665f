// What the command says and keeps of an epoch: a line of the losses, of the latents, and of what is the matter with the model.

import type { Diagnosis, DiagnosisFinding, EpochEvent } from "../vae/index.ts";
import { bars } from "./bars.ts";
import { type ObjectiveOptions, shownLoss } from "./objective.ts";
import { terminalWidth } from "./terminal.ts";

/** What is kept of an epoch, in metrics.jsonl and with --json. */
export interface Line extends Omit<EpochEvent, "type" | "diagnosis"> {
  /** Of the test images, or else of those in training; where the data are discrete, so that it means something. */
  readonly bitsPerDimension?: number;
  /** With the findings by their names. */
  readonly diagnosis?: Omit<Diagnosis, "findings"> & { readonly findings: readonly DiagnosisFinding["kind"][] };
}

export function lineOf({ type: _, diagnosis, ...told }: EpochEvent, bits: number | undefined): Line {
  return {
    ...told,
    ...(bits !== undefined && { bitsPerDimension: bits }),
    ...(diagnosis && { diagnosis: { ...diagnosis, findings: diagnosis.findings.map(({ kind }) => kind) } }),
  };
}

/** The losses. */
export function epochLine(
  { epoch, train, test, seconds, bitsPerDimension: bits }: Line,
  settings: ObjectiveOptions & { readonly epochs: number },
): string {
  const losses = test ? `test ${shownLoss(test, settings)}, train ${train.loss.toFixed(2)}` : `train ${shownLoss(train, settings)}`;
  const inBits = bits === undefined ? "" : `, ${bits.toFixed(3)} bits per value`;
  return `epoch ${epoch}/${settings.epochs}: ${losses}${inBits}, ${seconds.toFixed(seconds < 10 ? 1 : 0)} s`;
}

/** The latents: for a person who watches, so nothing where the output goes into a file. */
export function latentsLine({ diagnosis }: Line): string | undefined {
  if (!diagnosis?.klPerLatent || !process.stdout.isTTY) return undefined;
  const { klPerLatent: kl, activeUnits } = diagnosis;
  const words = `${activeUnits} of ${kl.length} latents active, KL up to ${Math.max(...kl).toFixed(2)}`;
  return `  ${words}  ${bars(kl, Math.max(8, terminalWidth(process.stdout) - words.length - 6), LITTLE)}`;
}
const LITTLE = 0.1; // nats: if no latent carries as much, none is to look as if it did

const EARLY = 1000; // steps: before that, latents that say nothing yet are no surprise
const AGAIN = 10; // epochs after which it is said again: a loss that wavers is no news

/**
 * The advice to be given after the last of these epochs: once when it first holds, and again if it then did not hold for ten. What may be
 * a matter of time is said only when it holds for the second time, and not while the weights of the loss are still on their way.
 */
export function newAdvice(lines: readonly Line[], { findings }: Diagnosis, { stepsPerEpoch, ends }: Watch): DiagnosisFinding[] {
  const holds = (kind: DiagnosisFinding["kind"], at: number): boolean => lines[at]?.diagnosis?.findings.includes(kind) ?? false;
  const isMoving = (at: number): boolean =>
    (["beta", "capacity"] as const).some((name) => {
      const [now, end] = [lines[at].train[name], ends[name]];
      return now !== undefined && end !== undefined && Math.abs(now - end) > 1e-6 * Math.abs(end);
    });
  const isSaid = (kind: DiagnosisFinding["kind"], at: number): boolean => {
    if (!holds(kind, at)) return false;
    if (kind === "scales" || kind === "overfitting") return true;
    return holds(kind, at - 1) && lines[at].epoch * stepsPerEpoch >= EARLY && !isMoving(at);
  };
  const last = lines.length - 1;
  const before = lines.map((_, i) => i).slice(-1 - AGAIN, -1);
  return findings.filter(({ kind }) => isSaid(kind, last) && !before.some((at) => isSaid(kind, at)));
}

/** What is known of a training besides its lines. */
export interface Watch {
  readonly stepsPerEpoch: number;
  /** What the weights of the loss come to in the end. */
  readonly ends: { readonly beta?: number | undefined; readonly capacity?: number | undefined };
}
