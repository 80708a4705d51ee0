/** Bars and sums in terminals of any width, and as a page for a browser; names come from outside. */
import fc from "fast-check";
import stringWidth from "string-width";
import { describe, expect, it } from "vitest";
import { renderSpending } from "../../../src/cli/screen/spending.ts";
import { spendingPage } from "../../../src/cli/screen/spending-page.ts";
import { type SpendingView, usdTexts } from "../../../src/cli/screen/spending-view.ts";
import { createChart } from "../../../src/organization/chart.ts";

const DAY = 86_400_000;
const SINCE = Date.UTC(2026, 10, 1);

/** Each part: on which day, whose, how much. */
type Part = readonly [day: number, name: string, nano: number];

function viewOf(days: number, parts: readonly Part[], more: Partial<SpendingView> = {}): SpendingView {
  const period = { since: SINCE, until: SINCE + days * DAY };
  const chart = createChart(period, DAY, 750);
  for (const [day, name, nano] of parts) chart.add(SINCE + day * DAY, name, nano);
  return {
    title: "What the organization was charged",
    host: "api.openai.com",
    ...period,
    unit: "US dollars",
    chart: chart.read(),
    tables: [
      {
        title: "By line item",
        head: [{ title: "line item" }, { title: "cost", isFigure: true }],
        rows: [...parts.map(([, name]) => [name, "$1.0000"]), "rule", ["all", "$9.0000"]],
      },
    ],
    notes: ["A note."],
    texts: usdTexts,
    ...more,
  };
}

const PARTS: Part[] = [
  [0, "gpt-4.1", 3_000_000_000],
  [0, "o3", 1_000_000_000],
  [2, "o3", 2_000_000_000],
  [2, "gpt-4.1-nano", 1],
];
const FILL = /[█▓▒░▚■=·]/g;
const barsOf = (lines: readonly string[]) => lines.filter((line) => /^ {2}\d{4}-\d{2}-\d{2} .*\$/.test(line));

describe("bars", () => {
  it.each([20, 60, 80, 200])("fit %d columns, in proportion, and what is there at all is seen", (columns) => {
    const lines = renderSpending(viewOf(3, PARTS), { columns, colour: false });
    expect(Math.max(...lines.map((line) => stringWidth(line)))).toBeLessThanOrEqual(columns);
    const [first = 0, none, third = 0] = barsOf(lines).map((line) => line.match(FILL)?.length ?? 0);
    if (columns < 60) return;
    // 2 in front, 10 for the day, 2 between, and the amount, which has nine decimals and 2 in front of it.
    const room = columns - 2 - 10 - 2 - 2 - "$4.000000000".length;
    expect([first, none, third]).toEqual([room, 0, Math.round(room / 2)]);
  });

  it("are told apart by their filling without colours, and by colour as well with them", () => {
    const plain = renderSpending(viewOf(3, PARTS), { columns: 60, colour: false }).join("\n");
    expect(plain).toMatch(/2026-11-01 {2}█+▓+ {2}\$4\.000000000\n/);
    expect(plain).toContain("█ gpt-4.1 $3.000000000 50.0%");
    expect(plain).not.toContain("\u001B");
    const painted = renderSpending(viewOf(3, PARTS), { columns: 60, colour: true }).join("\n");
    expect(painted).toContain("\u001B[");
    expect(painted.replace(new RegExp(String.raw`${"\u001B"}\[[\d;]*m`, "g"), "")).toBe(plain);
  });

  it("are put together where there are too many, and so are the smallest parts", () => {
    const parts = Array.from(
      { length: 300 },
      (_, day): Part => [day, `model-${day % 12}`, 1_000_000 * (day + 1)],
    );
    const lines = renderSpending(viewOf(300, parts), { columns: 100, colour: false });
    expect(barsOf(lines)).toHaveLength(43);
    expect(lines.join("\n")).toContain("US dollars, a bar is 7 days");
    expect(lines.join("\n")).toContain("all others");
  });

  it("of credits have no length, and their amounts are below 0", () => {
    const lines = renderSpending(
      viewOf(2, [
        [0, "credit", -5_000_000_000],
        [1, "o3", 1_000_000_000],
      ]),
      {
        columns: 80,
        colour: false,
      },
    );
    expect(barsOf(lines).map((line) => line.match(FILL)?.length ?? 0)).toEqual([0, 56]);
    expect(barsOf(lines)[0]).toMatch(/-\$5\.0000$/);
  });
});

/** What attackers call a project. */
const hostile = fc.oneof(
  fc.string({ unit: "binary", maxLength: 12 }),
  fc.constantFrom(
    "<script>alert(1)</script>",
    `"><img src=x onerror=alert(1)>`,
    "'; background: url(//evil.test)",
    "</style><h1>",
    "&lt;b&gt;",
    "\u001B[2J\u0007",
    "\u202Egnp.exe",
    "価格".repeat(40),
  ),
);
const hostileParts = fc.array(fc.tuple(fc.nat(2), hostile, fc.integer({ min: -1e12, max: 1e12 })), {
  maxLength: 12,
});

const CONTROLS = /[^\P{Cc}\n]|[\u202A-\u202E\u2066-\u2069]/u;

it("nothing from outside acts on a terminal or makes a line too long", () => {
  fc.assert(
    fc.property(hostileParts, hostile, fc.constantFrom(60, 200), (parts, host, columns) => {
      const lines = renderSpending(viewOf(3, parts, { host }), { columns, colour: false });
      expect(lines.join("\n")).not.toMatch(CONTROLS);
      expect(Math.max(...lines.map((line) => stringWidth(line)))).toBeLessThanOrEqual(columns);
    }),
  );
});

describe("the page", () => {
  it("has every figure in tables too, and takes nothing from elsewhere", () => {
    const page = spendingPage(viewOf(3, PARTS));
    expect(page).toContain("<td>2026-11-01</td>");
    expect(page).toMatch(/<td class="figure">\$2\.000000001<\/td>/);
    expect(page).toContain("default-src 'none'");
    expect(page).toContain(
      "<title>2026-11-03: $2.000000001; o3: $2.000000000; gpt-4.1-nano: $0.000000001</title>",
    );
    expect(page).not.toMatch(/<script|<link|<img|@import|url\(|src=|href=|https?:/i);
    // Heights of 300: 3 of 4 dollars, 1, 2, and next to nothing.
    expect([...page.matchAll(/height="(\d+(?:\.\d+)?)" fill="#/g)].map((match) => match[1])).toEqual([
      "225",
      "75",
      "150",
      "0",
    ]);
  });

  it("says that there was nothing", () => {
    expect(spendingPage(viewOf(3, []))).toContain("<p>Nothing in that time.</p>");
  });

  it("shows names and never obeys them", () => {
    fc.assert(
      fc.property(hostileParts, hostile, hostile, (parts, host, note) => {
        const page = spendingPage(viewOf(3, parts, { host, notes: [note] }));
        expect(page).not.toMatch(CONTROLS);
        const tags = [...page.matchAll(/<\/?([a-z0-9!-]*)/gi)].map((match) => match[1]?.toLowerCase());
        const known = new Set(
          "!doctype html head meta title style body h1 h2 p svg g rect line text ul li span div table thead tbody tr th td".split(
            " ",
          ),
        );
        expect(tags.filter((tag) => tag === undefined || !known.has(tag))).toEqual([]);
        // The style that is ours, and the colours of the legend.
        expect(page.match(/<\/style>/g)).toHaveLength(1);
        expect(page.match(/<h1>/g)).toHaveLength(1);
        expect(page).not.toMatch(/<[^>]*\son\w+=/i);
      }),
    );
  });
});
