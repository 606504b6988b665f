// The figures of a report for a terminal and for programs.

import { figures, shown } from "./figures.ts";
import type { Scored } from "./scored.ts";

/** A line for each figure, a column for each run; of several runs numbers stand above them, and the names below. */
export function summaryTable(columns: readonly Scored[]): string {
  const rows = figures
    .filter((figure) => columns.some(({ assessment }) => shown(figure, assessment) !== "-"))
    .map((figure) => [figure.name, ...columns.map(({ assessment }) => shown(figure, assessment)), figure.unit]);
  const isOne = columns.length === 1;
  const head = isOne ? [] : [["", ...columns.map((_, i) => `(${i + 1})`), ""]];
  const all = [...head, ...rows];
  const widths = all[0].map((_, i) => Math.max(...all.map((row) => row[i].length)));
  const lines = all.map((row) =>
    row
      .map((cell, i) => (i === 0 || i === row.length - 1 ? cell.padEnd(widths[i]) : cell.padStart(widths[i])))
      .join("  ")
      .trimEnd(),
  );
  return [...lines, ...(isOne ? [] : columns.map(({ run }, i) => `(${i + 1}) ${run}`))].join("\n");
}

/** What --json tells of a run. Numbers that are none are null there, and figures that are absent say why. */
export function figuresOf({ assessment, notes }: Scored): object {
  const told = figures.map((figure) => {
    const found = figure.of(assessment);
    const { unit } = figure;
    return [figure.key, typeof found === "number" ? { value: found, unit } : "absent" in found ? found : { ...found, unit }] as const;
  });
  const { kl, information, nll, factors, distances, counts } = assessment;
  return {
    images: counts,
    figures: Object.fromEntries(told),
    perLatent: { kl: "absent" in kl ? null : [...kl], information: "absent" in information ? null : [...information.perLatent] },
    factors:
      "absent" in factors
        ? null
        : { images: factors.count, gaps: factors.gap.each, latents: factors.gap.latents, votes: factors.score.tested },
    compared: { images: distances.count, pixelWidth: distances.pixels.width, featureWidth: distances.features.width },
    samples: "absent" in nll ? null : nll.samples,
    warning: "absent" in nll ? null : (nll.warning ?? null),
    notes,
  };
}
