// Which images elbo anomaly takes for normal, and in which it looks for others.

import { byClass, labelNamed } from "../../data/classes.ts";
import type { Images } from "../../data/index.ts";
import type { Run } from "../../vae/index.ts";
import { splitAsTrained } from "../examples.ts";
import { onlyOf } from "../images.ts";

/** The images by what they are for. */
export interface Parts {
  /** Normal, and seen by the model in training, if it is the run's own data. */
  readonly train: Images;
  /** Normal, and not seen. */
  readonly normal: Images;
  readonly others: Images | undefined;
  /** What is normal and what is not, in words. */
  readonly what: string;
  readonly otherwise: string;
}

interface Asked {
  readonly data: string | undefined;
  readonly normal: string | undefined;
  readonly limit: number | undefined;
}

export async function partsOf(run: string, loaded: Run, { data, normal, limit }: Asked): Promise<Parts> {
  const only = onlyOf(loaded);
  const home = normal === undefined ? undefined : data; // where normal images come from
  const { train, test } = await splitAsTrained(run, loaded, home, limit, "all");
  if (!test) throw new Error(`${train.name}: too few images to hold some out of training, and a threshold needs such`);
  const named = normal ?? only;
  if (named === undefined) {
    const others = data === undefined ? undefined : await screened(run, loaded, data, limit);
    return { train, normal: test, others, what: `all images of ${train.name}`, otherwise: others?.name ?? "" };
  }
  try {
    const label = labelNamed(train, named);
    const [own, held] = [byClass(train, label).own, byClass(test, label)];
    const others = normal === undefined && data !== undefined ? await screened(run, loaded, data, limit) : held.others;
    if (others.count === 0) throw new Error(`all images of ${test.name} are of it; there is nothing to tell it from`);
    const otherwise = others === held.others ? `all other classes of ${test.name}` : others.name;
    return { train: own, normal: held.own, others, what: `class ${named} of ${train.name}`, otherwise };
  } catch (error) {
    throw new Error(`${normal === undefined ? `the run's --only ${only}` : `--normal ${normal}`}: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

/** The images of other data in which anomalies are looked for: those to test, or all there are. */
async function screened(run: string, loaded: Run, data: string, limit: number | undefined): Promise<Images> {
  const { train, test = train } = await splitAsTrained(run, loaded, data, limit);
  return test;
}
