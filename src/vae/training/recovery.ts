// What to do about a loss that is no number. The optimizer has refused the step, so the parameters are those before it. Then the step is
// computed once more by plain loops, to name the op with which it began; its batch is left out, the learning rate halved, and the
// training goes on. Where the very next step fails too, the batch was not to blame but the parameters: all since the last end of an epoch
// is done again, at the lower rate. Everything follows from the numbers alone, so a training that recovers repeats like any other.

import { firstNotFinite, type NotFinite, nearestNamed } from "../../autograd/nonfinite.ts";
import { format } from "../../tensor/shape.ts";
import type { Terms } from "../objectives/objective.ts";
import type { RecoveryEvent } from "./events.ts";
import type { Session, Snapshot } from "./session.ts";

/** Training was given up, because losses were no numbers again and again. The model is as it was before the last of these steps. */
export class NotFiniteError extends Error {
  readonly failure: Omit<RecoveryEvent, "type" | "action" | "pace">;
  constructor(message: string, failure: Omit<RecoveryEvent, "type" | "action" | "pace">) {
    super(message);
    this.failure = failure;
  }
}

export interface Recovery {
  /** Before each epoch: this is what can be returned to. */
  mark(): Promise<void>;
  /** At the end of an epoch: whether all parameters are numbers, and no step was refused for its gradients. */
  isSound(): Promise<boolean>;
  /** After a step that was refused for its loss; or without terms, if an epoch turned out not to be sound. */
  recover(refused: { readonly clock: number; readonly terms?: Terms<number> }, signal?: AbortSignal): Promise<RecoveryEvent>;
}

export function recovery(session: Session, retries: number): Recovery {
  const { at, stepsPerEpoch, optimizer } = session;
  const allowed = optimizer.state.has("ok") && optimizer.state.has("pace") ? retries : 0; // another optimizer may know of neither
  let epochEnd: Snapshot | undefined;
  let latest: Snapshot | undefined; // since the last recovery

  const clockIn = ({ epoch, step }: Snapshot): number => epoch * stepsPerEpoch + step;
  const mark = async (): Promise<void> => {
    if (allowed > 0) epochEnd = latest = await session.snapshot();
  };
  const isSound = async (): Promise<boolean> => {
    if (allowed > 0) return isGood(await session.snapshot());
    return (await optimizer.state.get("ok")?.item()) !== 0;
  };

  /** Goes from the latest snapshot to the step that was refused, or that made a parameter no number, and stops before it. */
  const stepBefore = async (until: number): Promise<boolean> => {
    if (!latest) return false;
    session.load(latest);
    for (let before = latest; session.clock() <= until; ) {
      const [terms] = await session.start(1);
      at.averages.add(terms);
      at.step++;
      const after = await session.snapshot();
      if (isGood(after)) {
        before = after;
        continue;
      }
      session.load(before);
      return true;
    }
    return false;
  };

  const recover: Recovery["recover"] = async ({ clock, terms }, signal) => {
    const { recoveries } = at;
    const now = await session.snapshot();
    const isFirst = !latest || updates(now) - updates(latest) === clock - clockIn(latest); // else one before was refused for its gradients
    const isIntact = terms !== undefined && isFirst && isFinite(now);
    const isFound = isIntact || (await stepBefore(clock));
    const isEarlier = !isIntact && isFound;
    const guilty = isEarlier ? session.clock() : clock;
    const loss = !isEarlier && terms && !Number.isFinite(terms.loss) ? `${terms.loss}` : "a number";
    const first = isFound ? await firstNotFinite(session.record, { seed: session.seed, clock: guilty, signal }) : undefined;
    const step = guilty % stepsPerEpoch;
    const failure = {
      ...{ epoch: Math.floor(guilty / stepsPerEpoch) + 1, step: step + 1, loss, rows: isFound || terms ? session.rows(guilty) : [] },
      ...(isFound && { op: first ? describe(session, first) : "computed again by plain loops, all are numbers" }),
    };
    if (at.recovered >= allowed) throw new NotFiniteError(givenUp(failure, at.recovered, terms), failure);

    const recovered = at.recovered + 1;
    const pace = 0.5 ** recovered;
    const last = recoveries.at(-1);
    const isStuck = last?.action === "skipped" && last.step === step; // the one just before, counted from 1
    if (isStuck && epochEnd) session.load(epochEnd);
    session.goOn(isStuck ? at.step : step + 1, pace);
    const event: RecoveryEvent = { type: "recovery", ...failure, action: isStuck ? "returned" : "skipped", pace };
    Object.assign(at, { recoveries: [...recoveries, event], recovered });
    latest = await session.snapshot();
    return event;
  };
  return { mark, isSound, recover };
}

/** Steps that changed the parameters. */
const updates = ({ tensors }: Snapshot): number => tensors.get("optimizer.steps")?.[0] ?? 0;

const isGood = (snapshot: Snapshot): boolean => snapshot.tensors.get("optimizer.ok")?.[0] !== 0 && isFinite(snapshot);
const isFinite = ({ model }: Snapshot): boolean => [...model.values()].every((values) => values.every(Number.isFinite));

/** exp [128, 20], near logVariance; its inputs reach 97 */
function describe({ model }: Session, { tensor, value, largest }: NotFinite): string {
  const name = nearestNamed(tensor, new Map(Array.from(model.parameters, ([name, t]) => [t, name])));
  const near = name === undefined ? "" : `, near ${name.replace(/\.[^.]+$/, "")}`;
  const reach = largest < 1e5 ? Number(largest.toPrecision(3)) : largest.toExponential(1);
  return `${tensor.op.name} ${format(tensor.shape)}${near}, made ${value} of values up to ${reach}`;
}

const SHOWN = 8;

/** A line for people. */
export function recoveryText({ action, pace, ...failure }: RecoveryEvent): string {
  const way = action === "skipped" ? "this batch is left out" : "the epoch is begun again";
  return `${failureText(failure)}; ${way}, and the learning rate is ${pace} of what was asked for`;
}

type Failure = NotFiniteError["failure"];

const failureText = ({ epoch, step, loss, rows, op }: Failure): string => {
  const what = loss === "a number" ? "a gradient is no number" : `the loss is ${loss}`;
  const images = `images ${rows.slice(0, SHOWN).join(", ")}${rows.length > SHOWN ? ", …" : ""}`;
  const where = rows.length > 0 ? `in epoch ${epoch}, step ${step} (${images})` : `in one of the steps of epoch ${epoch}`;
  return `${what} ${where}${op ? `; ${op}` : ""}`;
};

function givenUp(failure: Failure, times: number, terms: Terms<number> | undefined): string {
  const parts = terms ? `; reconstruction ${terms.reconstruction}, KL ${terms.kl}` : "";
  const tried = times > 0 ? `; the learning rate was halved ${times} times` : "";
  return `train: ${failureText(failure)}${parts}${tried}; a lower learning rate may help`;
}
