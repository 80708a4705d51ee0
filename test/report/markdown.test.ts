/** Hostile text shows as itself and changes nothing around it. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { inlineMarkdown, markdownTable, paragraphs } from "../../src/report/markdown.ts";

describe("inlineMarkdown", () => {
  it.each([
    ["HTML", "<script>alert(1)</script>", "\\<script\\>alert(1)\\</script\\>"],
    ["a comment that would hide the rest", "<!-- gone", "\\<!-- gone"],
    ["an entity", "&lt;b&gt; &#35; R&D", "\\&lt;b\\&gt; \\&\\#35; R&D"],
    ["an image", "![x](y)", "!\\[x\\](y)"],
    ["a link", "[docs](https://evil.example/a)", "\\[docs\\](`https://evil.example/a`)"],
    ["a bare link and the stop after it", "see https://evil.example/a_b.", "see `https://evil.example/a_b`."],
    ["a bare www address", "go to www.evil.example!", "go to `www.evil.example`!"],
    ["a mail address", "write a@b.example", "write `a@b.example`"],
    ["emphasis and strikes", "*a* __b__ ~~c~~", "\\*a\\* \\_\\_b\\_\\_ \\~\\~c\\~\\~"],
    ["code", "`a` and ```", "\\`a\\` and \\`\\`\\`"],
    ["a cell's end", "a | b", "a \\| b"],
    ["a backslash before a bar", "a \\| b", "a \\\\\\| b"],
    ["formulas", "$$x$$", "\\$\\$x\\$\\$"],
    ["a heading", "# Owned", "\\# Owned"],
    ["a heading's closing marks", "C #", "C \\#"],
    ["a list", "- item", "\\- item"],
    ["a numbered list", "12. item", "12\\. item"],
    ["a rule", "---", "\\---"],
    ["a definition", "[x]: y", "\\[x\\]: y"],
    ["a quote", "> said", "\\> said"],
  ])("disarms %s", (_, hostile, escaped) => {
    expect(inlineMarkdown(hostile)).toBe(escaped);
  });

  it("leaves ordinary words, names and sums as readable as they were", () => {
    const words = "Use snake_case, pay $5 (or $1.25) for C#, 3.5% at 10:30 - fine; really? Yes! naïve 林薇";
    expect(inlineMarkdown(words)).toBe(words);
  });

  it("takes time in proportion to the text, whatever an address is followed by", () => {
    const started = performance.now();
    for (const character of [".", "*", "_", "!", "/"]) {
      const text = `http://a${character.repeat(150_000)}x`;
      expect(inlineMarkdown(text).length).toBeGreaterThan(text.length);
    }
    expect(inlineMarkdown(`http://${".".repeat(150_000)}`)).toBe(`\`http://\`${".".repeat(150_000)}`);
    // Milliseconds by far; a pattern tried anew at every dot took 11 seconds for one of these.
    expect(performance.now() - started).toBeLessThan(2_000);
  });

  it("stays on one line and keeps every character that shows", () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(..."ab_*`|\\#<&$ \n-1.@/:é🙂") }), (text) => {
        const escaped = inlineMarkdown(text);
        expect(escaped).not.toContain("\n");
        const shown = (all: string) => all.replace(/[\\`\s]/g, "");
        expect(shown(escaped)).toBe(shown(text));
      }),
    );
  });
});

describe("paragraphs", () => {
  it("gives each line its own paragraph, so that no line can underline or continue another", () => {
    expect(paragraphs("Title\n===\n\n\n    code\n```\n| a |\n| - |")).toEqual([
      "Title",
      "\\===",
      "code",
      "\\`\\`\\`",
      "\\| a \\|",
      "\\| - \\|",
    ]);
  });
});

it("markdownTable right-aligns all but the first column when asked", () => {
  expect(markdownTable({ head: ["a", "b"], rows: [["x", "1"]], align: "right" })).toEqual([
    "| a    |    b |",
    "| ---- | ---: |",
    "| x    |    1 |",
  ]);
});
