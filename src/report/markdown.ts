/** Text from outside as Markdown that shows exactly that text: no link, tag, heading, table or fence comes of it. */
import stringWidth from "string-width";
import { plainLine, plainText } from "./plain-text.ts";

/** Pieces between the characters at which renderers look for bare links. */
const PIECES = /[^\s`|<>()[\]{}"']+|[\s\S]/gu;
const BARE_LINK = /:\/\/|www\.|.@./iu;
/** Punctuation that acts anywhere in a line. `_` inside a word and `$` before a digit act nowhere and stay readable. */
const ACTIVE = /[\\`*[\]<>|~]|(?<![\p{L}\p{N}])_|_(?![\p{L}\p{N}])|\$(?!\d)|(?<!\w)#|&(?=#|\w+;)/gu;
/** What begins a list, a rule, an underlined heading or the second row of a table. */
const LINE_START = /^([-+=:]|\d{1,9}(?=[.)](?:\s|$)))/u;

/** Punctuation that ends a sentence or closes an emphasis, not an address. */
const AFTER_A_LINK = ".,;:!?*_~";

/** How long the text is without such characters at its end; a pattern would begin anew at each of them. */
function lengthWithout(characters: string, text: string): number {
  let length = text.length;
  while (length > 0 && characters.includes(text.charAt(length - 1))) length--;
  return length;
}

/** Bare addresses are shown as code, the one place where no renderer makes links of them. */
function escapePiece(piece: string): string {
  if (!BARE_LINK.test(piece)) return piece.replace(ACTIVE, "\\$&");
  const end = lengthWithout(AFTER_A_LINK, piece);
  return `\`${piece.slice(0, end)}\`${piece.slice(end).replace(ACTIVE, "\\$&")}`;
}

/** One line for use inside a paragraph, a heading or a table cell. */
export function inlineMarkdown(text: string): string {
  const escaped = plainLine(text).replace(PIECES, escapePiece);
  return escaped.replace(LINE_START, (start) => (/^\d/u.test(start) ? `${start}\\` : `\\${start}`));
}

/** Each line of the text as a paragraph of its own, so that line breaks survive and none can change what stands above. */
export function paragraphs(text: string): string[] {
  return plainText(text)
    .split("\n")
    .map(inlineMarkdown)
    .filter((line) => line !== "");
}

/** A table, aligned for reading as it stands. Cells are Markdown already; `right` is for all columns but the first. */
export function markdownTable(options: {
  head: readonly string[];
  rows: readonly (readonly string[])[];
  align: "left" | "right";
}): string[] {
  const { head, rows, align } = options;
  const lines = [head, ...rows];
  const columns = head.map((_, index) => ({
    width: Math.max(4, ...lines.map((cells) => stringWidth(cells[index] ?? ""))),
    isRight: align === "right" && index > 0,
  }));
  const print = (cells: readonly string[]) =>
    `| ${columns
      .map(({ width, isRight }, index) => {
        const cell = cells[index] ?? "";
        const padding = " ".repeat(width - stringWidth(cell));
        return isRight ? padding + cell : cell + padding;
      })
      .join(" | ")} |`;
  const rule = columns.map(({ width, isRight }) =>
    isRight ? `${"-".repeat(width - 1)}:` : "-".repeat(width),
  );
  return [print(head), print(rule), ...rows.map(print)];
}
