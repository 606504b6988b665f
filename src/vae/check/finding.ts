// What a check says.

/** One thing that must hold: `found` is `expected`, or at most that, but for what is `allowed`. */
export interface Finding {
  readonly what: string;
  readonly expected: number;
  readonly found: number;
  readonly relation: "equal" | "at most";
  readonly allowed: number;
  readonly holds: boolean;
}

export function finding(what: string, found: number, expected: number, allowed: number, relation: Finding["relation"] = "equal"): Finding {
  const distance = relation === "equal" ? Math.abs(found - expected) : found - expected;
  return { what, expected, found, relation, allowed, holds: distance <= allowed };
}
