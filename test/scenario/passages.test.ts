import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { PASSAGE_WORDS, splitMarkdown } from "../../src/scenario/passages.ts";

/** A sentence of exactly this many words. */
const sentence = (words: number, word = "word") => `${`${word} `.repeat(words).trim()}.`;
const countWords = (text: string) => text.split(/\s+/).filter(Boolean).length;
const sizesOf = (markdown: string) => splitMarkdown(markdown).passages.map(({ text }) => countWords(text));

describe("splitMarkdown", () => {
  it("splits at headings and keeps each heading with its text", () => {
    expect(splitMarkdown(`# Title\n\n${sentence(70)}\n\n## One\n\n${sentence(80)}\n`)).toEqual({
      heading: "Title",
      passages: [
        { headings: ["Title"], text: sentence(70) },
        { headings: ["One"], text: sentence(80) },
      ],
    });
  });

  it("leaves out the signs that close a heading, but not those of its last word", () => {
    const headings = ["Two ##", "C#", "F# #", "#", "a\t#"].map(
      (text) => splitMarkdown(`# ${text}\n\nText.`).heading,
    );
    expect(headings).toEqual(["Two", "C#", "F#", "", "a"]);
  });

  it("joins sections too short to quote alone, and names all their headings", () => {
    const text = `## One\n\n${sentence(40)}\n\n## Two\n\n${sentence(40)}\n\n## Three\n\n${sentence(100)}\n`;
    expect(splitMarkdown(text).passages.map(({ headings }) => headings)).toEqual([["One", "Two"], ["Three"]]);
  });

  it("divides a long section into passages of about the same length", () => {
    expect(sizesOf(Array(4).fill(sentence(60)).join("\n\n"))).toEqual([120, 120]);
    expect(sizesOf(`${sentence(80)}\n\n${sentence(60)}\n\n${sentence(40)}`)).toEqual([80, 100]);
  });

  it("cuts a long paragraph between sentences, also where its lines are wrapped", () => {
    const paragraph = Array.from({ length: 12 }, (_, index) => sentence(25, `Word${index}`)).join(" ");
    const wrapped = paragraph.replace(/((?:\S+ ){9})/g, "$1\n").replaceAll(" \n", "\n");
    const texts = splitMarkdown(wrapped).passages.map(({ text }) => text);
    expect(texts.map(countWords)).toEqual([150, 150]);
    expect(texts.join(" ")).toBe(paragraph);
  });

  it("keeps a fenced code block whole, with its blank lines and what looks like headings", () => {
    const code = `\`\`\`sh\n# not a heading\n\n${"run this\n".repeat(120)}\`\`\``;
    const { heading, passages } = splitMarkdown(`Before it.\n\n${code}\n\n# After\n\nThe end.\n`);
    expect(heading).toBe("After");
    expect(passages.some(({ text }) => text.includes(code))).toBe(true);
  });

  it("keeps the lines of lists and tables", () => {
    const list = "- one\n- two\n- three";
    expect(splitMarkdown(list).passages[0]?.text).toBe(list);
    const table = "| a | b |\n|---|---|\n| 1 | 2 |";
    expect(splitMarkdown(table).passages[0]?.text).toBe(table);
  });

  it("finds nothing in a document of headings and blank lines", () => {
    expect(splitMarkdown("# Title\n\n## Empty\n\n").passages).toEqual([]);
  });

  it("loses no word, repeats none, and exceeds the maximum only for a sentence that does", () => {
    const prose = fc.array(
      fc.integer({ min: 1, max: 200 }).map((words) => sentence(words, "Word")),
      {
        minLength: 1,
        maxLength: 6,
      },
    );
    const section = fc.record({
      heading: fc.constantFrom("One", "Two"),
      paragraphs: fc.array(prose, { maxLength: 5 }),
    });
    fc.assert(
      fc.property(fc.array(section, { maxLength: 6 }), (sections) => {
        const paragraphs = sections.flatMap((part) =>
          part.paragraphs.map((sentences) => sentences.join(" ")),
        );
        const markdown = sections
          .map((part) => `## ${part.heading}\n\n${part.paragraphs.map((one) => one.join(" ")).join("\n\n")}`)
          .join("\n\n");
        const { passages } = splitMarkdown(markdown);
        const flat = (parts: string[]) => parts.join(" ").replace(/\s+/g, " ");
        expect(flat(passages.map(({ text }) => text))).toBe(flat(paragraphs));
        for (const { text } of passages) {
          if (countWords(text) > PASSAGE_WORDS.max) expect(text.match(/\./g)).toHaveLength(1);
        }
      }),
    );
  });
});
