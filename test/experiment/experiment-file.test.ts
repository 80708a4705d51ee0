/** Experiment files: what their paths and short words mean, and every mistake in its place. */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { loadCatalog } from "../../src/catalog/catalog.ts";
import { formatProblem } from "../../src/domain/errors.ts";
import {
  experimentFileKind,
  findExperiment,
  isExperiment,
  parseExperiment,
} from "../../src/experiment/experiment-file.ts";
import { findPaths } from "../../src/experiment/scenario-path.ts";
import { checkFiles } from "../../src/scenario/check-files.ts";
import { shippedFolder } from "../../src/scenario/shipped-folder.ts";

const folder = mkdtempSync(join(tmpdir(), "dramatis-experiment-file-"));
const file = join(folder, "mine.yaml");
const catalog = loadCatalog();

beforeAll(() => {
  for (const category of ["business", "creative", "technical"]) {
    mkdirSync(join(folder, "facts", category), { recursive: true });
    writeFileSync(
      join(folder, "facts", category, `${category}.md`),
      "# Prices\n\nA seat costs nine dollars.\n",
    );
  }
  const ines = readFileSync(join(shippedFolder("personas"), "ines-marvao.yaml"), "utf8");
  writeFileSync(join(folder, "ines-bold.yaml"), ines.replace("id: ines-marvao", "id: ines-bold"));
  cpSync(
    join(shippedFolder("scenarios"), "product-roundtable.yaml"),
    join(folder, "product-roundtable.yaml"),
  );
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const text = (factors: string, rest = "") => `id: mine
title: Mine
scenario: product-roundtable
factors:
${factors
  .trim()
  .split("\n")
  .map((line) => `  ${line}`)
  .join("\n")}
repeats: 3
${rest}`;

function armsOf(factors: string, rest = "") {
  const parsed = parseExperiment(text(factors, rest), file, { catalog });
  if (!parsed.ok) throw new Error(parsed.problems.map(formatProblem).join("\n"));
  return parsed.value.arms;
}

/** Without the file's own name. */
function problemsOf(factors: string, rest = ""): string[] {
  const parsed = parseExperiment(text(factors, rest), file, { catalog });
  return parsed.ok ? [] : parsed.problems.map((problem) => formatProblem(problem).replace(`${file}:`, ""));
}

describe("a level", () => {
  it("sets what its factor's path names", () => {
    const arms = armsOf("- name: length\n  path: answers.maxOutputTokens\n  levels: [400, 800]");
    expect(arms.map(({ name, scenario }) => [name, scenario.answers.maxOutputTokens])).toEqual([
      ["length=400", 400],
      ["length=800", 800],
    ]);
  });

  it("is a short word for policy, model, layout and complexity", () => {
    const arms = armsOf(
      `- { name: policy, levels: [round-robin, model] }
- { name: model, levels: [gpt-4.1-nano, gpt-4.1] }
- { name: layout, levels: [own-last, cards-in-head] }
- { name: complexity, levels: [low, high] }`,
    );
    expect(arms).toHaveLength(16);
    const last = arms.at(-1)?.scenario;
    expect(last?.moderator).toEqual({ policy: "model", pingPongLimit: 3 });
    expect(arms[0]?.scenario.moderator).toEqual({ policy: "round-robin" });
    expect(new Set(last?.cast.map(({ model }) => model))).toEqual(new Set(["gpt-4.1"]));
    expect([last?.context.layout, last?.complexity]).toEqual(["cards-in-head", "high"]);
  });

  it("changes one persona of the cast, and leaves its file and the others as they are", () => {
    const arms = armsOf(`- name: aims
  path: cast[ines-marvao].goals
  levels: [{ name: as-is }, { name: one, value: [be heard] }]`);
    expect(arms[0]?.scenario.cast[0]?.goals.length).toBeGreaterThan(1);
    expect(arms[1]?.scenario.cast[0]?.goals).toEqual(["be heard"]);
    expect(arms[1]?.scenario.cast.slice(1)).toEqual(arms[0]?.scenario.cast.slice(1));
  });

  it("seats another persona in place of one, before anything is set of whoever sits there", () => {
    const arms = armsOf(`- { name: own-model, path: "model[ines-marvao]", levels: [gpt-4.1-nano, gpt-4.1] }
- name: who
  path: persona[ines-marvao]
  levels: [{ name: bold, value: ines-bold.yaml }, { name: delroy, value: delroy-ashcombe }]`);
    expect(arms.map(({ scenario }) => [scenario.cast[0]?.id, scenario.cast[0]?.model])).toEqual([
      ["ines-bold", "gpt-4.1-nano"],
      ["delroy-ashcombe", "gpt-4.1-nano"],
      ["ines-bold", "gpt-4.1"],
      ["delroy-ashcombe", "gpt-4.1"],
    ]);
  });

  it("seats a persona of an absolute path as it takes a folder of one", () => {
    const bold = `{ name: bold, value: ${JSON.stringify(join(folder, "ines-bold.yaml"))} }`;
    const [, arm] = armsOf(`- name: who\n  path: persona[ines-marvao]\n  levels: [{ name: own }, ${bold}]`);
    expect(arm?.scenario.cast[0]?.id).toBe("ines-bold");
  });

  it("names a knowledge folder relative to the experiment, takes one away, and leaves all as it is", () => {
    const arms = armsOf(`- name: knowledge
  levels: [{ name: shipped }, { name: none, value: null }, { name: ours, value: facts }]`);
    const counts = arms.map(({ scenario }) => scenario.passages.length);
    expect(counts[0]).toBeGreaterThan(10);
    expect(counts.slice(1)).toEqual([0, 3]);
  });

  it("sets several paths at once, and items of lists by their key", () => {
    const arms = armsOf(`- name: size
  levels:
    - { name: small, set: { "endings[maxTurns].maxTurns": 6, answers.maxOutputTokens: 300 } }
    - { name: large, set: { "endings[maxTurns].maxTurns": 30, answers.maxOutputTokens: 900 } }`);
    expect(arms.map(({ scenario }) => [scenario.endings[0], scenario.answers.maxOutputTokens])).toEqual([
      [{ maxTurns: 6 }, 300],
      [{ maxTurns: 30 }, 900],
    ]);
  });

  it("is listed in rows where not every combination is wanted", () => {
    const factors =
      "- { name: policy, levels: [directed, random] }\n- { name: complexity, levels: [low, high] }";
    const rows =
      "design:\n  - { policy: directed, complexity: low }\n  - { complexity: high, policy: random }\n";
    expect(armsOf(factors, rows).map(({ name }) => name)).toEqual([
      "policy=directed,complexity=low",
      "policy=random,complexity=high",
    ]);
  });
});

describe("a mistake", () => {
  const one = "- { name: complexity, levels: [low, high] }";

  it.each([
    [
      "an unknown path, with near names",
      "- { name: a, path: answers.maxOutputTokns, levels: [400, 800] }",
      '5:22 factors[0].path: expected a path of the scenario, got "maxOutputTokns" (did you mean maxOutputTokens?)',
    ],
    [
      "a path whose beginning is unknown",
      "- { name: a, path: anwers.maxOutputTokens, levels: [400, 800] }",
      '5:22 factors[0].path: expected a path of the scenario, got "anwers" (did you mean answers?)',
    ],
    [
      "nobody of the cast",
      "- { name: a, path: 'cast[ines-marvo].role', levels: [a, b] }",
      '5:22 factors[0].path: expected a path of the scenario, got "ines-marvo" (did you mean ines-marvao?)',
    ],
    [
      "a value that the scenario cannot have",
      "- { name: a, path: answers.maxOutputTokens, levels: [400, many] }",
      '5:61 factors[0].levels[1]: expected a whole number from 1 to 128000, got "many"',
    ],
    [
      "a policy that there is not",
      "- { name: policy, levels: [directed, round-robbin] }",
      '5:40 factors[0].levels[1]: expected one of round-robin, directed, random, weighted, model, got "round-robbin" (did you mean round-robin?)',
    ],
    [
      "a part of a value",
      "- name: a\n  path: cast[ines-marvao]\n  levels: [{ name: x }, { name: y, value: { id: me, name: 7 } }]",
      "7:61 factors[0].levels[1].value.name: expected text, got number 7 (put it in quotes)",
    ],
    [
      "a model that the catalog does not have",
      "- { name: model, levels: [gpt-4.1, gpt-4.1-nan] }",
      '5:38 factors[0].levels[1]: expected a model of the catalog, got "gpt-4.1-nan" (did you mean gpt-4.1-nano',
    ],
    [
      "a persona without a place",
      "- { name: persona, levels: [ines-marvao, delroy-ashcombe] }",
      '5:13 factors[0].name: expected a path of the scenario, got "persona" (say in whose place: persona[<id of the cast>])',
    ],
    [
      "two factors that set the same",
      "- { name: policy, levels: [directed, random] }\n- { name: b, path: moderator.policy, levels: [model, random] }",
      "6:22 factors[1].path: expected a path that no other factor sets, got one that policy sets as well",
    ],
    [
      "a level twice",
      "- { name: complexity, levels: [low, low] }",
      '5:39 factors[0].levels[1]: expected each level once, got "low" again',
    ],
    [
      "a factor twice",
      `${one}\n${one}`,
      '6:13 factors[1].name: expected each factor once, got "complexity" again',
    ],
  ])("is %s, and is found where it stands", (_, factors, expected) => {
    const problems = problemsOf(factors);
    expect(problems.map((problem) => problem.slice(0, expected.length))).toContain(expected);
  });

  it("in a row is found in the row", () => {
    expect(problemsOf(one, "design:\n  - { complexity: lo }\n  - { complexty: high }\n")).toEqual([
      '8:19 design[0].complexity: expected a level of complexity, got "lo" (did you mean low?)',
      "9:5 design[1].complexity: expected a level of complexity, got nothing (known: low, high)",
      '9:7 design[1].complexty: expected a factor, got "complexty" (did you mean complexity?)',
    ]);
    expect(problemsOf(one, "design:\n  - { complexity: low }\n  - { complexity: low }\n")).toEqual([
      "9:5 design[1]: expected each combination once, got it again (first at design[0])",
    ]);
  });

  it("of two levels together is said of the arm they make", () => {
    rmSync(join(folder, "facts/technical"), { recursive: true });
    const [problem] = problemsOf("- { name: knowledge, levels: [facts, { name: none, value: null }] }");
    expect(problem).toMatch(
      /^4:1 factors: expected a category of the knowledge base \(business, creative\), got "technical".*\(in the scenario of knowledge=facts, at cast\[\d\]\)$/,
    );
  });

  it("of the scenario's name says which there are nearby", () => {
    const parsed = parseExperiment(text(one).replace("product-roundtable", "product-rondtable"), file);
    expect(parsed.ok ? "" : parsed.problems.map(formatProblem).join()).toMatch(
      /mine\.yaml:3:11 scenario: expected a scenario's file or id, .*Did you mean product-roundtable\?/,
    );
  });

  it("of a scenario's file says what to do", () => {
    const parsed = parseExperiment(text(one).replace("product-roundtable", "./elsewhere/gone.yaml"), file);
    expect(parsed.ok ? "" : parsed.problems.map(formatProblem).join()).toMatch(
      /3:11 scenario: .*got "\.\/elsewhere\/gone\.yaml" \(check the path; or the id of one that comes with Dramatis: dramatis scenarios\)$/,
    );
    expect(() => findExperiment(join(folder, "elsewhere", "gone.yaml"))).toThrow(
      /got nothing \(check the path\)/,
    );
  });

  it("is a path as a factor's name, which belongs beside it", () => {
    const levels = "levels: [gpt-4.1-nano, gpt-4.1-mini]";
    expect(problemsOf(`- { name: "model[ines-marvao]", ${levels} }`)).toEqual([
      expect.stringMatching(
        /^5:13 factors\[0\]\.name: expected a slug .*\(give it a short name, and write the path beside it: path: model\[ines-marvao\]\)$/,
      ),
    ]);
    const plain = problemsOf(`- { name: Ines, ${levels} }\n- { name: "a b", ${levels} }`);
    expect(plain.filter((problem) => problem.includes("path:"))).toEqual([]);
    expect(plain).toHaveLength(2);
  });

  it("is an id that is not the file's name, and a secret", () => {
    const parsed = parseExperiment(text(one).replace("id: mine", "id: yours"), file);
    expect(parsed.ok ? "" : parsed.problems.map(formatProblem).join()).toMatch(
      /1:5 id: expected mine, got "yours"/,
    );
  });

  it("cannot reach what all objects share", () => {
    expect(problemsOf("- { name: a, path: __proto__.x, levels: [a, b] }")).toHaveLength(1);
    expect(Object.hasOwn(Object.prototype, "x")).toBe(false);
  });

  it("is a design too large to be compared, which is counted and not made", () => {
    const levels = `[${Array.from({ length: 40 }, (_, index) => index + 1).join(", ")}]`;
    const factors = ["windowTurns", "afterTurns", "keepTurns", "blockTurns"]
      .map((key) => `- { name: ${key.toLowerCase()}, path: context.${key}, levels: ${levels} }`)
      .join("\n");
    expect(problemsOf(factors)).toEqual([
      "4:1 factors: expected at most 1000 combinations of levels, got 2560000 (list those you want as rows of `design`)",
    ]);
  });

  it("is a file that is no scenario, of which nothing is quoted", () => {
    writeFileSync(join(folder, "secrets.yaml"), "password: hunter2\n");
    writeFileSync(join(folder, "secrets"), "root:hunter2:0\n");
    for (const name of ["./secrets.yaml", "./secrets", join(folder, "secrets")]) {
      const named = text("- name: complexity\n  levels: [light, deep]").replace("product-roundtable", name);
      const parsed = parseExperiment(named, file, { catalog });
      const problems = parsed.ok ? [] : parsed.problems.map(formatProblem);
      expect(problems).toHaveLength(1);
      expect(problems[0]).toContain("scenario: expected a scenario's file (*.yaml) or id");
      expect(problems[0]).not.toContain("hunter2");
    }
  });

  it("is a path of more than 500 characters, wherever it is written", () => {
    const long = "a.".repeat(300);
    const [path] = problemsOf(`- name: long\n  path: ${long}b\n  levels: [1, 2]`);
    expect(path).toContain("factors[0].path: expected text of at most 500 characters, got");
    const set = `{ name: one, set: { ${long}b: 1 } }`;
    const [key] = problemsOf(`- name: long\n  levels: [${set}, { name: two }]`);
    expect(key).toContain("expected a name of at most 500 characters, got");
    expect(findPaths({}, "a.".repeat(20_000))).toMatchObject({
      ok: false,
      problem: { hint: "at most 500 characters" },
    });
  });

  it("is told a thousand times at most", () => {
    const factor = "- name: complexity\n  levels: [light, deep]";
    const rows = Array.from({ length: 900 }, (_, row) => `  - { complexity: bad-${row}, other: 1 }`);
    expect(problemsOf(factor, `design:\n${rows.join("\n")}`)).toHaveLength(1000);
    const [first, ...others] = problemsOf(factor, `design:\n${[...rows, ...rows].join("\n")}`);
    expect(others).toEqual([]);
    expect(first).toContain("design: expected at most 1000 rows, got 1800");
    const levels = Array.from({ length: 1500 }, () => "'a,b'").join(", ");
    expect(problemsOf(`- name: complexity\n  levels: [${levels}]`)).toHaveLength(1000);
  });
});

describe("an experiment file", () => {
  it("is told from a scenario, by its content or its id", () => {
    writeFileSync(file, text("- { name: complexity, levels: [low, high] }"));
    expect(isExperiment(file)).toBe(true);
    expect(isExperiment("who-speaks-next")).toBe(true);
    expect(isExperiment("product-roundtable")).toBe(false);
    expect(isExperiment(join(folder, "product-roundtable.yaml"))).toBe(false);
    expect(isExperiment(join(folder, "missing.yaml"))).toBe(false);
    expect(findExperiment(file).seed).toBe(7);
  });

  it("is checked with all others, and those that are shipped are valid", () => {
    const kinds = { experiment: experimentFileKind({ catalog }) };
    expect(checkFiles([shippedFolder("experiments")], kinds)).toEqual([]);
    writeFileSync(file, text("- { name: complexity, levels: [low, hgh] }"));
    expect(checkFiles([file], kinds).map(formatProblem)).toEqual([
      `${file}:5:39 factors[0].levels[1]: expected one of low, medium, high, auto, got "hgh" (did you mean high?)`,
    ]);
  });
});
