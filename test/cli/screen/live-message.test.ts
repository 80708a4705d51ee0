/** A message that grows on a terminal's screen, and what is left of it afterwards. */
import fc from "fast-check";
import stringWidth from "string-width";
import { describe, expect, it } from "vitest";
import { renderTurn } from "../../../src/cli/screen/conversation.ts";
import { createLiveMessage } from "../../../src/cli/screen/live-message.ts";
import { sampleRecord, sampleTurn } from "../../report/sample-record.ts";
import { emulateTerminal } from "./emulator.ts";

const HEADING = "  1  Ada  Engineer";
const BEFORE = "said before\n\n";

function open({ columns = 60, rows = 24 } = {}) {
  const size = { columns, rows };
  const emulator = emulateTerminal(size);
  const message = createLiveMessage(HEADING, { screen: { columns, colour: false }, size: () => size });
  emulator.write(BEFORE);
  const written: string[] = [];
  const write = (text: string) => {
    written.push(text);
    emulator.write(text);
  };
  return { size, emulator, message, write, written };
}

const piece = fc.oneof(
  fc.constantFrom(
    "word ",
    "two words",
    " ",
    "\n",
    "\n\n",
    "averyveryverylongidentifierwithoutanyspace#12",
    "価格表",
    "👩‍🚀",
    "e\u0301",
    "\t",
    "\u001B[2J",
    "\u009B1A",
    "\r",
    "\u202E",
  ),
  fc.string({ unit: "grapheme", maxLength: 12 }),
);
const screens = fc.record({
  columns: fc.integer({ min: 20, max: 200 }),
  rows: fc.integer({ min: 1, max: 40 }),
  pieces: fc.array(piece, { maxLength: 60 }),
});

describe("a message on the screen", () => {
  it("stands under its heading, wrapped, after every word", () => {
    const { emulator, message, write } = open({ columns: 30 });
    const looks: string[] = [];
    for (const text of ["I would ", "fix the time", "outs, and then\n\nmea", "sure."]) {
      write(message.add(text));
      looks.push(emulator.text().slice(BEFORE.length + HEADING.length + 1));
    }
    expect(looks).toEqual([
      "     I would",
      "     I would fix the time",
      "     I would fix the timeouts,\n     and then\n\n     mea",
      "     I would fix the timeouts,\n     and then\n\n     measure.",
    ]);
  });

  it("is gone when it is cleared, and the turn stands in its place as in a pipe", () => {
    const record = sampleRecord();
    fc.assert(
      fc.property(screens, ({ columns, rows, pieces }) => {
        const { emulator, message, write } = open({ columns, rows });
        const turn = sampleTurn({ message: pieces.join("") });
        const lines = renderTurn(turn, record.participants, { columns, colour: false }).join("\n");
        for (const text of pieces) write(message.add(text));
        write(`${message.clear()}${lines}\n`);
        expect(emulator.text()).toBe(`${BEFORE}${lines}\n`);
        expect(emulator.hasWrapped).toBe(false);
      }),
    );
  });

  it("looks as the finished turn will, as long as it fits on the screen", () => {
    const record = sampleRecord();
    const words = fc.array(fc.constantFrom("word ", "wo", "價格 ", "end.\n\n", "a longer piece of text "), {
      maxLength: 60,
    });
    fc.assert(
      fc.property(fc.integer({ min: 40, max: 200 }), words, (columns, pieces) => {
        const { emulator, message, write } = open({ columns, rows: 1000 });
        const turn = sampleTurn({ message: pieces.join("") });
        const lines = renderTurn(turn, record.participants, { columns, colour: false });
        for (const text of pieces) write(message.add(text));
        const shown = emulator.text().slice(BEFORE.length).split("\n").slice(1).join("\n").trimEnd();
        expect(lines.slice(1).join("\n").startsWith(shown)).toBe(true);
      }),
    );
  });

  it("shows a line whole that is as wide as the screen, whatever space follows", () => {
    const { emulator, message, write } = open({ columns: 20 });
    write(message.add("fifteen letters "));
    expect(emulator.text().split("\n").at(-1)).toBe("     fifteen letters");
  });

  it("lets nothing through that a terminal would obey", () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(piece, fc.string({ unit: "binary" }))), (pieces) => {
        const { message, write, written } = open();
        for (const text of pieces) write(message.add(text));
        // biome-ignore lint/suspicious/noControlCharactersInRegex: the program's own sequences.
        const foreign = written.join("").replaceAll(/\u001b\[(\?7[lh]|K)|[\r\n]/g, "");
        expect(/[\p{Cc}\u202A-\u202E\u2066-\u2069]/u.test(foreign)).toBe(false);
      }),
    );
  });

  it("draws again only its last line, and no line wider than the terminal", () => {
    const { message } = open({ columns: 40 });
    message.add("One two three four five six seven eight nine ten eleven twelve thirteen ");
    const more = message.add("fourteen");
    expect(more).not.toContain("One");
    expect(more.split("\n")).toHaveLength(1);
    expect(stringWidth(more.trim())).toBeLessThanOrEqual(40);
  });

  it("stops growing at the screen's height", () => {
    const { emulator, message, write } = open({ rows: 6 });
    write(message.add("1\n2\n3\n"));
    write(message.add("4\n5\n6\n7"));
    expect(message.add("8")).toBe("");
    expect(emulator.text()).toBe(`${BEFORE}${HEADING}\n     1\n     2\n     3\n     4`);
  });

  it("stops growing when the terminal is resized, since lines may have moved", () => {
    const { size, message, write } = open();
    write(message.add("Before "));
    size.columns = 50;
    expect(message.add("after")).toBe("");
  });

  it("comes back whole after it was hidden", () => {
    const { emulator, message, write } = open();
    write(message.add("One\ntwo "));
    write(message.clear());
    emulator.write("Stopping after this turn.\n");
    write(message.add("three"));
    expect(emulator.text()).toBe(`${BEFORE}Stopping after this turn.\n${HEADING}\n     One\n     two three`);
  });
});
