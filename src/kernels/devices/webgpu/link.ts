// Combining WGSL sources by one rule: a later declaration of the same name replaces the earlier one. What the entry
// point does not reach is left out. What a source enables stands in front, if anything of it is reached. Each line remembers
// where it came from, so that an error can point there.

export interface Source {
  readonly file: string;
  readonly text: string;
}

interface Declaration {
  /** A directive (`enable f16`) is its own name. */
  readonly name: string;
  readonly text: string;
  readonly file: string;
  readonly line: number;
}

export interface Linked {
  readonly code: string;
  /** The file and line that a line of the code (from 1) was taken from. */
  origin(line: number): { file: string; line: number };
}

const parsed = new WeakMap<Source, readonly Declaration[]>(); // the library's files are read once, a patch goes with its kernel

/** Comments become blanks of the same length, so that positions stay true. */
const withoutComments = (text: string): string => text.replace(/\/\/[^\n]*|\/\*[\s\S]*?\*\//g, (comment) => comment.replace(/[^\n]/g, " "));

/** The declarations at module scope, each with its attributes. */
function declarations(source: Source): readonly Declaration[] {
  const known = parsed.get(source);
  if (known) return known;
  const { file, text } = source;
  const bare = withoutComments(text);
  const found: Declaration[] = [];
  let start = 0;
  let depth = 0;
  for (let i = 0; i < bare.length; i++) {
    const c = bare[i];
    if (c === "{" || c === "(") depth++;
    else if (c === "}" || c === ")") depth--;
    const ends = depth === 0 && (c === ";" || c === "}"); // at module scope only functions and structs have braces
    if (!ends) continue;
    const body = bare.slice(start, i + 1);
    const lead = body.length - body.trimStart().length;
    const name =
      /^\s*((?:enable|requires|diagnostic)\b[^;]*)|\b(?:fn|struct|const|override|alias)\s+(\w+)|\bvar\s*(?:<[^>]*>)?\s*(\w+)/.exec(body);
    if (name) {
      const line = text.slice(0, start + lead).split("\n").length;
      found.push({ name: name[1] ?? name[2] ?? name[3], text: text.slice(start + lead, i + 1), file, line });
    }
    start = i + 1;
  }
  parsed.set(source, found);
  return found;
}

const isDirective = ({ name }: Declaration): boolean => /^\w+\W/.test(name);

/** One module: every name as declared last, as far as `main` reaches. */
export function link(...sources: readonly Source[]): Linked {
  const last = new Map<string, Declaration>();
  for (const source of sources) for (const d of declarations(source)) last.set(d.name, d);
  const reached = new Set<string>();
  const stack = ["main"];
  for (let name = stack.pop(); name !== undefined; name = stack.pop()) {
    const d = last.get(name);
    if (!d || reached.has(name)) continue;
    reached.add(name);
    stack.push(...(withoutComments(d.text).match(/[A-Za-z_]\w*/g) ?? []));
  }
  const files = new Set([...last.values()].filter((d) => reached.has(d.name)).map((d) => d.file));
  const directives = [...last.values()].filter((d) => isDirective(d) && files.has(d.file));
  const used = [...directives, ...[...last.values()].filter((d) => reached.has(d.name))];
  const origins: { file: string; line: number }[] = [];
  for (const d of used) for (let i = 0; i < d.text.split("\n").length; i++) origins.push({ file: d.file, line: d.line + i });
  return {
    code: used.map((d) => d.text).join("\n"),
    origin: (line) => origins[line - 1] ?? { file: "linked kernel", line },
  };
}
