/** Secrets and odd characters in scenario, persona and knowledge files: found while they are read, at their place. */
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { InvalidFilesError } from "../../src/domain/errors.ts";
import { checkFiles } from "../../src/scenario/check-files.ts";
import { loadScenario, resolveScenario } from "../../src/scenario/scenario.ts";
import { persona, SCENARIO } from "../conversation/stage.ts";
import { SAMPLES } from "../guard/sample-secrets.ts";
import { folderWith } from "./temporary-folder.ts";

const token = SAMPLES.find(({ kind }) => kind === "GitHub token")?.secret ?? "";
const ada = JSON.stringify(persona("ada", { privateNotes: ["The token:", token] }), null, 2);
const document = `---\ntitle: Deploys\n---\n# Deploys\n\nDeploy with ${token} as\nthe token.\n`;
const scenarioText = (more = "") => `id: ferry
title: Ferry
topic: Should the ferry leave earlier?
opening: Use ${token} to begin.
cast: [ada]
knowledge: docs
endings: [maxTurns: 2]
${more}`;
/** A scenario, a persona and a document, each with a secret. */
const files = (more?: string) =>
  folderWith({
    "scenarios/ferry.yaml": scenarioText(more),
    "personas/ada.yaml": ada,
    "scenarios/docs/technical/deploys.md": document,
  });

function problemsOf(work: () => unknown) {
  try {
    work();
  } catch (error) {
    if (error instanceof InvalidFilesError) return error;
    throw error;
  }
  throw new Error("nothing was refused");
}

describe("a scenario whose files hold secrets", () => {
  it("is refused with the file, line and column of each, and with none of them", () => {
    const folder = files();
    const error = problemsOf(() => loadScenario(join(folder, "scenarios/ferry.yaml")));
    expect(
      error.problems.map(({ file, line, column, got }) => [file.slice(folder.length + 1), line, column, got]),
    ).toEqual([
      ["scenarios/ferry.yaml", 4, 14, "a secret: GitHub token"],
      ["personas/ada.yaml", 28, 6, "a secret: GitHub token"],
      ["scenarios/docs/technical/deploys.md", 6, 13, "a secret: GitHub token"],
    ]);
    expect(error.message).not.toContain(token.slice(4, 12));
  });

  it("is reported by a check of its files", () => {
    const folder = files();
    const kinds = (path: string) => checkFiles([join(folder, path)]).map(({ got }) => got);
    expect(kinds("personas")).toEqual(["a secret: GitHub token"]);
    expect(kinds("scenarios/docs")).toEqual(["a secret: GitHub token"]);
    expect(kinds("scenarios/ferry.yaml")).toHaveLength(3);
  });

  it("is loaded without them when it says `redact`, with a notice of each", () => {
    const folder = files("screening: { secrets: redact }\n");
    const scenario = loadScenario(join(folder, "scenarios/ferry.yaml"));
    expect(scenario.opening).toBe("Use [secret removed: GitHub token] to begin.");
    expect(scenario.cast[0]?.privateNotes[1]).toBe("[secret removed: GitHub token]");
    expect(scenario.passages[0]?.text).toBe("Deploy with [secret removed: GitHub token] as the token.");
    expect(scenario.notices.map(({ place, action }) => [place.slice(folder.length + 1), action])).toEqual([
      ["scenarios/ferry.yaml:4:14", "removed"],
      ["personas/ada.yaml:28:6", "removed"],
      ["scenarios/docs/technical/deploys.md:6:13", "removed"],
    ]);
  });

  it("is loaded as it is when it says `warn`, with a notice of each", () => {
    const scenario = loadScenario(join(files("screening: { secrets: warn }\n"), "scenarios/ferry.yaml"));
    expect(scenario.opening).toContain(token);
    expect(scenario.notices.map(({ action }) => action)).toEqual(["sent", "sent", "sent"]);
  });

  it("is good by a check when it says `warn` or `redact`, and the check tells of each", () => {
    const told = (policy: string) => {
      const folder = files(`screening: { secrets: ${policy} }\n`);
      const notices: string[] = [];
      const onNotice = ({ action }: { action: string }) => void notices.push(action);
      return [...checkFiles([join(folder, "scenarios/ferry.yaml")], {}, onNotice), ...notices];
    };
    expect(told("warn")).toEqual(["sent", "sent", "sent"]);
    expect(told("redact")).toEqual(["removed", "removed", "removed"]);
  });

  it("in memory is refused with the path of each", () => {
    const parts = {
      personas: [persona("ada", { background: `Holds ${token}.` })],
      passages: [{ id: "a#1", title: token, category: "business", text: "Text." }],
    };
    const error = problemsOf(() => resolveScenario({ ...SCENARIO, topic: token, cast: ["ada"] }, parts));
    expect(error.problems.map(({ path }) => path)).toEqual([
      "topic",
      "personas[0].background",
      "passages[0].title",
    ]);
    expect(error.message).not.toContain(token.slice(4, 12));
  });
});

describe("odd characters in files", () => {
  it("are refused with line, column and code point, in documents and in front matter too", () => {
    const folder = folderWith({
      "docs/technical/a.md": '---\ntitle: "A \\u202e B"\n---\nOne.\nTwo \u009b31m.\n',
    });
    const problems = checkFiles([join(folder, "docs")]);
    expect(problems.map(({ line, column, got }) => `${line}:${column} ${got}`)).toEqual([
      "2:8 U+202E (right-to-left override)",
      "5:5 U+009B (control character)",
    ]);
  });
});

describe("loading what comes with the package", () => {
  it("finds no secret and does not load secretlint", () => {
    const program = `
      import { registerHooks } from "node:module";
      const loaded = [];
      registerHooks({ load(url, context, next) { loaded.push(url); return next(url, context); } });
      const { findScenario } = await import("./src/scenario/find-scenario.ts");
      const { findSecrets } = await import("./src/guard/secrets.ts");
      const ids = ["product-roundtable", "design-debate"];
      const notices = ids.flatMap((id) => findScenario(id).notices);
      const isLoaded = () => loaded.some((url) => url.includes("secretlint-rule-preset"));
      const before = isLoaded();
      findSecrets("ghp_" + "a1".repeat(18));
      console.log(JSON.stringify({ notices, before, after: isLoaded() }));`;
    const output = execFileSync("node", ["--input-type=module", "--eval", program], {
      cwd: join(import.meta.dirname, "..", ".."),
      encoding: "utf8",
    });
    expect(JSON.parse(output)).toEqual({ notices: [], before: false, after: true });
  });
});
