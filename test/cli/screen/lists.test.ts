/** Lists show what a user chooses by. */
import { describe, expect, it } from "vitest";
import {
  renderModels,
  renderPersona,
  renderPersonas,
  renderScenarios,
} from "../../../src/cli/screen/lists.ts";
import { type ModelInfo, modelInfoSchema } from "../../../src/domain/model-info.ts";
import { personaSchema } from "../../../src/domain/persona.ts";

const at = (columns: number) => ({ columns, colour: false });

const maya = personaSchema.parse({
  id: "maya-okafor",
  name: "Maya Okafor",
  role: "Product lead",
  background: "Has shipped four developer products and counts in customers, not in features.",
  personality: {
    kind: "pragmatic",
    traits: ["curious", "direct"],
    communicationStyle: "Short sentences, concrete examples.",
    bigFive: {
      openness: 0.8,
      conscientiousness: 0.6,
      extraversion: 0.5,
      agreeableness: 0.4,
      neuroticism: 0.2,
    },
  },
  expertise: ["pricing"],
  goals: ["leave with one decision that everybody in the room can repeat without notes"],
  privateNotes: ["was promised a bonus"],
});
const lin = { ...maya, id: "lin-wei", name: "林薇", role: "Head of research", model: "gpt-4.1" };
const model = (id: string, changes: Partial<ModelInfo>): ModelInfo => ({
  id,
  ...modelInfoSchema.parse({ contextWindow: 128_000, maxOutput: 16_384 }),
  ...changes,
});

describe("renderPersonas", () => {
  const reasoner = { ...maya, id: "r", name: "R", requiresReasoning: true };

  it("aligns ids, names, kinds, models and roles", () => {
    expect(renderPersonas([maya, lin, reasoner], at(100))).toEqual([
      "  id           name         kind       model               role",
      "  maya-okafor  Maya Okafor  pragmatic  by selection        Product lead",
      "  lin-wei      林薇         pragmatic  gpt-4.1             Head of research",
      "  r            R            pragmatic  requires reasoning  Product lead",
    ]);
  });

  it("cuts the role and drops columns, but shows every id whole, as it must be typed", () => {
    const long = { ...maya, id: "maximiliana-okafor-montgomery", name: "Maximiliana Okafor-Montgomery" };
    const role = "Head of everything that has to do with prices and with the people who pay them";
    const heads = [110, 80, 60, 40].map((columns) => {
      const lines = renderPersonas([{ ...long, role }, lin], at(columns));
      expect(lines[1]).toContain("  maximiliana-okafor-montgomery");
      expect(lines.join("").match(/…/g) ?? []).toHaveLength(columns === 110 ? 1 : 0);
      return lines[0]?.trim().split(/ +/);
    });
    expect(heads).toEqual([["id", "name", "kind", "model", "role"], ["id", "name", "kind"], ["id"], ["id"]]);
  });
});

it("renderPersona shows everything of one persona", () => {
  expect(renderPersona(maya, at(60)).join("\n")).toMatchInlineSnapshot(`
    "  Maya Okafor  Product lead

      Has shipped four developer products and counts in
      customers, not in features.

      id                  maya-okafor
      kind                pragmatic
      traits              curious, direct
      style               Short sentences, concrete examples.
      talkativeness       0.5
      model               by selection
      knowledge           all categories

      openness            ━━━━━━━━── 0.80
      conscientiousness   ━━━━━━──── 0.60
      extraversion        ━━━━━───── 0.50
      agreeableness       ━━━━────── 0.40
      neuroticism         ━━──────── 0.20

      expertise           - pricing
      goals               - leave with one decision that
                          everybody in the room can repeat
                          without notes
      private notes       - was promised a bonus"
  `);
});

it("renderScenarios shows the command that runs each", () => {
  const rows = [
    {
      id: "a",
      title: "A table",
      description: "Six people.",
      command: "dramatis run scenarios/a.yaml",
      castSize: 6,
      policy: "directed",
    },
    { id: "b", title: "B", command: "npm run -s dramatis -- run b", castSize: 1, policy: "random" },
  ];
  expect(renderScenarios(rows, at(60))).toEqual([
    "  A table",
    "  Six people.",
    "  a, 6 personas, moderator directed",
    "  dramatis run scenarios/a.yaml",
    "",
    "  B",
    "  b, 1 persona, moderator random",
    "  npm run -s dramatis -- run b",
  ]);
});

describe("renderModels", () => {
  const models = [
    model("gpt-4.1", { price: { input: 2, cachedInput: 0.5, output: 8 } }),
    model("gpt-5-nano", { price: { input: 0.05, cachedInput: 0.005, output: 0.4 }, reasons: true }),
    model("uncached", { price: { input: 1, output: 3 } }),
    model("local", { structured: "json-mode" }),
  ];
  const rules = [
    { when: { requiresReasoning: true, complexity: "high" as const }, use: "gpt-5-nano" },
    { when: { kind: "creative" as const }, use: "uncached" },
    { when: {}, use: "local" },
  ];

  it("shows prices with their points in line, unknown ones as unknown, and the rules in order", () => {
    expect(renderModels(models, rules, at(100)).join("\n")).toMatchInlineSnapshot(`
      "  model         input   cached   output  context  max output                   answers by
        gpt-4.1     $2.0000  $0.5000  $8.0000  128,000      16,384                   json-schema
        gpt-5-nano  $0.0500  $0.0050  $0.4000  128,000      16,384  reasoning model  json-schema
        uncached    $1.0000  $1.0000  $3.0000  128,000      16,384                   json-schema
        local       unknown  unknown  unknown  128,000      16,384                   json-mode

        Prices in dollars per million tokens, context and max output in tokens.

        selection  the first rule that holds
        1. if the persona requires reasoning and complexity is high → gpt-5-nano
        2. if the persona is creative → uncached
        3. otherwise → local"
    `);
  });

  it("keeps the prices on a narrow terminal", () => {
    expect(renderModels(models, rules, at(60))[0]).toBe(
      "  model         input   cached   output  context  max output",
    );
  });

  it("shows a long model id whole, as it must be typed", () => {
    const id = "some-maker/a-model-with-a-long-name-70b";
    const lines = renderModels([model(id, { price: { input: 1, output: 3 } })], rules, at(60));
    expect(lines[1]).toBe(`  ${id}  $1.0000  $3.0000`);
  });

  it("shows prices of less than a ten-thousandth exactly, all with the same decimals", () => {
    const cheap = [
      model("a", { price: { input: 0.000075, output: 1 } }),
      model("b", { price: { input: 12, output: 3 } }),
    ];
    const [, ...rows] = renderModels(cheap, [], at(100));
    expect(rows[0]).toContain("$0.000075  ");
    expect(rows[1]).toContain("$12.000000  ");
  });
});
