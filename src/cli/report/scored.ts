// A run with its figures and pictures: what a report shows of it, and whether it can be set beside others.

import type { Images } from "../../data/index.ts";
import type { Assessment, Binarize, Run } from "../../vae/index.ts";

interface Named {
  /** As it was named on the command line. */
  readonly run: string;
  /** What it is, in words. */
  readonly about: Readonly<Record<string, string>>;
}

export interface Scored extends Named {
  readonly assessment: Assessment;
  readonly metrics: Run["metrics"];
  /** PNG files. */
  readonly pictures: { readonly samples: Uint8Array; readonly reconstructions: Uint8Array; readonly traversal: Uint8Array };
  /** What to know before its figures are set beside those of others. */
  readonly notes: readonly string[];
}

/** A run that could not be scored, and why. */
export interface Unscored extends Named {
  readonly problem: string;
}

export type Column = Scored | Unscored;

/** What figures are about: two that differ in it do not compare. */
export interface Subject {
  readonly test: Images;
  readonly likelihood: string;
  readonly binarize: Binarize | undefined;
  readonly trainingSeed: number;
}

/** Why figures about `other` cannot be set beside those about `first`; nothing if they can. */
export function differences(first: Subject, other: Subject, run: string): string[] {
  const found: string[] = [];
  const [a, b] = [first.test, other.test];
  const size = ({ height, width, channels }: Images): string => `${height} x ${width} x ${channels}`;
  const isSameData = a.name === b.name && a.count === b.count;
  if (!isSameData) found.push(`other data: ${b.count} images of ${b.name}, and ${a.count} of ${a.name} for ${run}`);
  else if (size(a) !== size(b)) found.push(`images of another size: ${size(b)}, and ${size(a)} for ${run}`);
  else if (!equal(a.pixels, b.pixels)) found.push(`other test images under the name ${b.name} than for ${run}`);
  if (first.binarize !== other.binarize)
    found.push(
      `images ${other.binarize ? `made 0 and 1 (${other.binarize})` : "in grey"}, and ${first.binarize ? "0 and 1" : "grey"} for ${run}`,
    );
  else if (first.binarize && isSameData && first.trainingSeed !== other.trainingSeed)
    found.push(`the same images made 0 and 1 by another seed than for ${run}: figures compare, but for chance`);
  if (first.likelihood !== other.likelihood)
    found.push(`a ${other.likelihood} likelihood, and ${first.likelihood} for ${run}: nats of one are not nats of the other`);
  return found;
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((v, i) => v === b[i]);
}
