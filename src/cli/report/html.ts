// HTML as text in which nothing is markup by accident: whatever is put into a template is escaped, unless it came from a template itself.

/** Text that is HTML already. Only `html` and `asIs` make it. */
export interface Html {
  readonly markup: string;
}

type Content = string | number | Html | readonly Content[];

/** A piece of HTML. What stands in braces is text, or pieces of HTML, one or several. */
export const html = (parts: TemplateStringsArray, ...contents: readonly Content[]): Html => ({
  markup: parts.reduce((all, part, i) => all + markupOf(contents[i - 1]) + part),
});

/** Text of this program that would not survive escaping: a style sheet. Never what came from outside. */
export const asIs = (markup: string): Html => ({ markup });

function markupOf(content: Content): string {
  if (typeof content === "string") return escaped(content);
  if (typeof content === "number") return `${content}`;
  if ("markup" in content) return content.markup;
  return content.map(markupOf).join("");
}

const ENTITIES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };

/** As text or as the value of an attribute in quotes. */
const escaped = (text: string): string => text.replace(/[&<>"']/g, (c) => ENTITIES[c]);
