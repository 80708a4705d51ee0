/** As much of a terminal as the program uses: a screen of some size above which lines scroll away. */
import stringWidth from "string-width";

export interface Emulator {
  write(text: string): void;
  /** What has scrolled away and what is on the screen, spaces at the ends of lines dropped. */
  text(): string;
  /** Whether any line was too long for the screen. */
  readonly hasWrapped: boolean;
}

const graphemes = new Intl.Segmenter("en", { granularity: "grapheme" });
const ESC = "\u001B";
const TOKEN = new RegExp(String.raw`${ESC}\[(\?7[lh]|[\d;]*[A-Za-z])|[\r\n]|[^${ESC}\r\n]+`, "gu");

export function emulateTerminal({ columns, rows }: { columns: number; rows: number }): Emulator {
  const lines: string[][] = [[]];
  let row = 0;
  let column = 0;
  let wraps = true;
  let hasWrapped = false;
  const top = () => Math.max(0, lines.length - rows);
  const line = () => {
    while (lines.length <= row) lines.push([]);
    return lines[row] as string[];
  };

  function put(text: string) {
    for (const { segment } of graphemes.segment(text)) {
      const width = stringWidth(segment);
      if (column + width > columns) {
        if (wraps) {
          hasWrapped = true;
          row += 1;
          column = 0;
        } else column = columns - width;
      }
      const cells = line();
      while (cells.length < column) cells.push(" ");
      if (width === 0) {
        // It stands with what is before it.
        if (column > 0) cells[column - 1] += segment;
        continue;
      }
      cells.splice(column, width, segment, ...Array(width - 1).fill(""));
      column += width;
    }
  }

  function obey(sequence: string) {
    const count = Number.parseInt(sequence, 10) || 1;
    if (sequence === "?7l") wraps = false;
    else if (sequence === "?7h") wraps = true;
    else if (sequence.endsWith("A")) row = Math.max(top(), row - count);
    else if (sequence === "K") line().length = Math.min(line().length, column);
    else if (sequence === "J") {
      line().length = Math.min(line().length, column);
      lines.length = row + 1;
    } else if (!sequence.endsWith("m")) throw new Error(`a sequence the program should not use: ${sequence}`);
  }

  return {
    write(text) {
      let read = 0;
      for (const [token, sequence] of text.matchAll(TOKEN)) {
        read += token.length;
        if (sequence !== undefined) obey(sequence);
        else if (token === "\r") column = 0;
        else if (token === "\n") {
          row += 1;
          column = 0;
          line();
        } else put(token);
      }
      if (read !== text.length) throw new Error(`not understood: ${JSON.stringify(text)}`);
    },
    text: () => lines.map((cells) => cells.join("").trimEnd()).join("\n"),
    get hasWrapped() {
      return hasWrapped;
    },
  };
}
