/**
 * A message that grows on the screen while it is spoken. It is only a preview: once the turn is there, its lines are
 * cleared and the turn is printed in their place. Lines are drawn once and stay; only the last is drawn again.
 */
import { plainText } from "../../report/plain-text.ts";
import type { TerminalSize } from "../terminal.ts";
import { INDENT } from "./conversation.ts";
import {
  gap,
  printLine,
  proseColumns,
  type ScreenOptions,
  screenColumns,
  widthOf,
  wrapText,
} from "./line.ts";

/** Both return what is to be written; the cursor must be where the last of them left it. */
export interface LiveMessage {
  /** More of the message. After a `clear` all of it is drawn anew. */
  add(text: string): string;
  /** Nothing of it is left, and the cursor is where it was before. */
  clear(): string;
}

export interface LiveMessageOptions {
  screen: ScreenOptions;
  size(): TerminalSize;
}

const ESCAPE = "\u001b[";
const ERASE_TO_LINE_END = `${ESCAPE}K`;
const ERASE_BELOW = `${ESCAPE}J`;
/** Then every line takes one row, however wide the terminal takes its characters to be. */
const WITHOUT_WRAP = { on: `${ESCAPE}?7l`, off: `${ESCAPE}?7h` };

export function createLiveMessage(heading: string, { screen, size }: LiveMessageOptions): LiveMessage {
  const { columns } = screen;
  const room = proseColumns({ ...screen, columns }) - INDENT;
  /** Lines that stay as they are, as they are printed. */
  const lines = [heading];
  /** What the last line holds so far, with the spaces at its end. */
  let open = "";
  let isAfterGap = true;
  let drawn = 0;
  /** Beyond the screen's height, and in a terminal that was resized, nothing could be cleared safely. */
  let isFrozen = false;

  const printed = (text: string) => printLine([gap(INDENT), { text }], screen);

  function keep(text: string) {
    // No two empty lines in a row, and none before the first words.
    if (text !== "" || !isAfterGap) lines.push(printed(text));
    isAfterGap = text === "";
  }

  function append(text: string) {
    const paragraphs = (open + plainText(text)).split("\n");
    const last = paragraphs.pop() ?? "";
    for (const line of paragraphs.flatMap((paragraph) => wrapText(paragraph, room))) keep(line);
    const wrapped = wrapText(last, room);
    open = last;
    if (wrapped.length === 1) return;
    open = (wrapped.pop() ?? "") + (/\s*$/.exec(last)?.[0] ?? "");
    for (const line of wrapped) keep(line);
  }

  return {
    add(text) {
      const now = size();
      const most = Math.max(1, now.rows - 1);
      isFrozen ||= now.columns !== columns || drawn > most;
      if (isFrozen) return "";
      append(text);
      isFrozen = lines.length + 1 > most;
      const from = Math.max(0, drawn - 1);
      const next = [...lines.slice(from), printed(open.trim())].slice(0, most - from);
      drawn = from + next.length;
      const full = screenColumns(screen);
      const rows = next.map((line) => (widthOf([{ text: line }]) < full ? line + ERASE_TO_LINE_END : line));
      return `${WITHOUT_WRAP.on}\r${rows.join("\n")}${WITHOUT_WRAP.off}`;
    },
    clear() {
      if (drawn === 0) return "";
      const up = drawn > 1 ? `${ESCAPE}${drawn - 1}A` : "";
      drawn = 0;
      return `\r${up}${ERASE_BELOW}`;
    },
  };
}
