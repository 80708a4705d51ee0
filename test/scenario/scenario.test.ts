import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { formatProblem, InvalidFilesError } from "../../src/domain/errors.ts";
import type { PersonaInput } from "../../src/domain/persona.ts";
import type { ScenarioInput } from "../../src/domain/scenario.ts";
import { loadKnowledge } from "../../src/scenario/knowledge.ts";
import { loadPersonas } from "../../src/scenario/personas.ts";
import { loadScenario, resolveScenario } from "../../src/scenario/scenario.ts";
import { shippedFolder } from "../../src/scenario/shipped-folder.ts";
import { folderWith } from "./temporary-folder.ts";

const fixtures = join(import.meta.dirname, "fixtures");
const good = readFileSync(join(fixtures, "scenarios", "good.yaml"), "utf8");
const ada = readFileSync(join(fixtures, "personas", "ada.yaml"), "utf8");
const linus = readFileSync(join(fixtures, "personas", "linus.yaml"), "utf8");
const cacheText = readFileSync(join(fixtures, "knowledge", "technical", "queues.md"), "utf8");
const whole = {
  "scenarios/good.yaml": good,
  "personas/ada.yaml": ada,
  "personas/linus.yaml": linus,
  "knowledge/technical/queues.md": cacheText,
};
const load = (files: Record<string, string>) =>
  loadScenario(join(folderWith(files), "scenarios", "good.yaml"));

describe("loadScenario", () => {
  it("resolves the cast from the personas beside the scenario's folder, and the knowledge base", () => {
    const scenario = loadScenario(join(fixtures, "scenarios", "good.yaml"));
    expect(scenario.cast.map(({ id, name }) => [id, name])).toEqual([
      ["ada", "Ada"],
      ["linus", "Linus"],
    ]);
    expect(scenario.passages.map(({ id }) => id)).toEqual(["prices#1", "caches#1", "queues#1"]);
    expect(scenario.moderator).toEqual({ policy: "directed", pingPongLimit: 4 });
    expect(scenario.endings[1]).toEqual({
      all: [{ consensus: { minTurns: 1 } }, { any: [{ phrase: "agreed" }, { stalemate: { turns: 3 } }] }],
    });
    expect(scenario).not.toHaveProperty("knowledge");
  });

  it("takes the personas that come with the package when there are none beside it", () => {
    const [known] = loadPersonas(shippedFolder("personas"));
    const text = good.replace(/ {2}- ada\n {2}- linus\n/, `  - ${known?.id}\n`).replace(/knowledge.*\n/, "");
    expect(load({ "scenarios/good.yaml": text }).cast).toEqual([known]);
  });

  it("prefers the personas in its own folder, and looks nowhere else then", () => {
    const own = { ...whole, "scenarios/personas/ada.yaml": ada.replace("name: Ada", "name: Ada the First") };
    expect(() => load(own)).toThrow(
      /cast\[1\]: expected the id of a persona in .*scenarios\/personas, got "linus" \(known: ada\)/,
    );
    const alone = { ...own, "scenarios/good.yaml": good.replace("  - linus\n", "") };
    expect(load(alone).cast.map(({ name }) => name)).toEqual(["Ada the First"]);
  });

  it("refuses a scenario whose file has another name", () => {
    const folder = folderWith({ ...whole, "scenarios/better.yaml": good });
    expect(() => loadScenario(join(folder, "scenarios", "better.yaml"))).toThrow(
      /better\.yaml:1:5 id: expected better, got "good" \(a scenario's file is named after its id\)/,
    );
  });

  it("takes them from the folder it is told", () => {
    const folder = folderWith({
      "good.yaml": good.replace(/knowledge.*\n/, ""),
      "cast/ada.yaml": ada,
      "cast/linus.yaml": linus,
    });
    const file = join(folder, "good.yaml");
    expect(loadScenario(file, { personas: join(folder, "cast") }).cast).toHaveLength(2);
    expect(() => loadScenario(file, { personas: join(folder, "casts") })).toThrow(
      /casts: expected a folder, got nothing \(did you mean cast\?\)/,
    );
  });

  it("is not disturbed by a broken persona that is not in the cast", () => {
    expect(load({ ...whole, "personas/bob.yaml": "name: Bob\n" }).cast).toHaveLength(2);
  });

  it("reports the problems of the scenario, its personas and its knowledge base at once", () => {
    const files = {
      ...whole,
      "scenarios/good.yaml": good.replace("  - linus", "  - lynus").replace("maxTurns: 4", "maxTurns: 0"),
      "personas/ada.yaml": ada.replace("analytical", "cold"),
      "knowledge/technical/queues.md": "",
    };
    expect(() => load(files)).toThrow(
      new RegExp(
        [
          /^4 problems in 3 files:/,
          /good\.yaml:7:5 cast\[1\]: expected the id of a persona in .*\/personas, got "lynus" \(did you mean linus\?\)/,
          /good\.yaml:9:15 endings\[0\]\.maxTurns: expected a whole number of at least 1, got number 0/,
          /ada\.yaml:6:9 personality\.kind: expected one of .*, got "cold"/,
          /queues\.md: expected text to cite, got an empty document/,
        ]
          .map(({ source }) => source)
          .join("[^]*\n[^]*"),
      ),
    );
  });

  it("names the line of a knowledge folder that does not exist", () => {
    const text = good.replace("../knowledge", "../knowlege");
    expect(() => load({ ...whole, "scenarios/good.yaml": text })).toThrow(
      /good\.yaml:13:12 knowledge: expected a folder, relative to this file, got "\.\.\/knowlege"/,
    );
  });

  it.each([join(fixtures, "knowledge"), "C:\\knowledge"])("refuses the absolute path %s", (path) => {
    const text = good.replace("../knowledge", path);
    expect(() => load({ ...whole, "scenarios/good.yaml": text })).toThrow(
      /good\.yaml:13:12 knowledge: expected a folder, relative to this file, got "/,
    );
  });

  it("asks no persona for its categories when there is no knowledge base", () => {
    const files = {
      ...whole,
      "scenarios/good.yaml": good.replace(/knowledge.*\n/, ""),
      "personas/ada.yaml": ada.replace("[technical]", "[anything]"),
    };
    expect(load(files).passages).toEqual([]);
  });
});

describe("resolveScenario", () => {
  const personas = loadPersonas(join(fixtures, "personas"));
  const passages = loadKnowledge(join(fixtures, "knowledge"));
  const input: ScenarioInput = {
    id: "in-memory",
    title: "In memory",
    topic: "Which cache to build.",
    opening: "Hello.",
    cast: ["ada", "linus"],
    endings: [{ maxTurns: 2 }],
  };

  it("gives the scenario that a file of the same content gives", () => {
    const scenario = resolveScenario(input, { personas, passages });
    expect(scenario.cast).toEqual(personas.filter(({ id }) => id !== "grace"));
    expect(scenario.passages).toEqual(passages);
    expect(scenario.complexity).toBe("auto");
  });

  it("takes personas written in place", () => {
    const { model: _, knowledge: __, ...guest } = { ...personas[0], id: "guest" } as (typeof personas)[0];
    expect(
      resolveScenario({ ...input, cast: [guest, "ada"] }, { personas }).cast.map(({ id }) => id),
    ).toEqual(["guest", "ada"]);
  });

  it.each([
    [
      { cast: ["ada", "ada"] },
      /<scenario> cast\[1\]: expected each persona once, got "ada" again \(first at cast\[0\]\)/,
    ],
    [
      { cast: ["adda"] },
      /<scenario> cast\[0\]: expected the id of a persona, got "adda" \(did you mean ada\?\)/,
    ],
    [
      { cast: ["grace"] },
      /cast\[0\]: expected a category .*\(pricing, technical\), got "legal", which grace searches/,
    ],
    [{ endings: [] }, /<scenario> endings: expected a list that is not empty, got an empty list/],
    [{ title: "" }, /<scenario> title: expected text, got empty text/],
  ])("refuses %j", (change, message) => {
    expect(() => resolveScenario({ ...input, ...change }, { personas, passages })).toThrow(message);
  });

  const guest: PersonaInput = {
    id: "guest",
    name: "Guest",
    role: "Visitor",
    background: "Came by.",
    personality: {
      kind: "creative",
      traits: ["kind"],
      communicationStyle: "Brief.",
      bigFive: { openness: 1, conscientiousness: 0, extraversion: 0, agreeableness: 1, neuroticism: 0 },
    },
    expertise: ["guesting"],
    goals: ["leave"],
  };
  const passage = { id: "a#1", title: "A", category: "technical", text: "Text." };

  it("fills in the defaults of personas, and takes undefined for what is left out", () => {
    const scenario = resolveScenario(
      { ...input, cast: ["guest"], knowledge: undefined, seed: undefined },
      { personas: [{ ...guest, model: undefined }], passages: undefined },
    );
    expect(scenario.cast).toMatchObject([{ id: "guest", talkativeness: 0.5, beliefs: [], privateNotes: [] }]);
    expect(resolveScenario({ ...input, cast: [guest] }, { personas: undefined }).passages).toEqual([]);
    const open = { passages: [{ ...passage, personas: undefined }] };
    expect(resolveScenario({ ...input, cast: [guest] }, open).passages).toEqual([passage]);
  });

  it("reports the problems of personas and passages at their places, with those of the scenario", () => {
    const parts = {
      personas: [guest, { ...guest, id: "moderator" }, guest],
      passages: [passage, { ...passage, category: "Not A Slug", text: " " }, { ...passage, id: "a#2" }],
    };
    let problems: InvalidFilesError["problems"] = [];
    try {
      resolveScenario({ ...input, cast: ["guest", "gest"], endings: [] }, parts);
    } catch (error) {
      if (error instanceof InvalidFilesError) problems = error.problems;
    }
    expect(problems.map(formatProblem)).toEqual([
      "<scenario> endings: expected a list that is not empty, got an empty list",
      '<scenario> cast[1]: expected the id of a persona, got "gest" (did you mean guest?)',
      expect.stringMatching(
        /^<scenario> personas\[1\]\.id: expected a slug .*"moderator" is reserved by the graph/,
      ),
      expect.stringMatching(/^<scenario> passages\[1\]\.category: expected a slug .*, got "Not A Slug"$/),
      "<scenario> passages[1].text: expected text, got empty text",
      '<scenario> personas[2].id: expected each id once, got "guest" again (first at personas[0])',
      '<scenario> passages[1].id: expected each id once, got "a#1" again (first at passages[0])',
    ]);
  });

  it("refuses a knowledge folder, which it would not read", () => {
    expect(() => resolveScenario({ ...input, knowledge: "../knowledge" }, { personas })).toThrow(
      /knowledge: expected passages instead, got "\.\.\/knowledge" \(loadKnowledge\(folder\) gives them\)/,
    );
  });
});
