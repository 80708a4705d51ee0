import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { InvalidFilesError } from "../../src/domain/errors.ts";
import { loadPersona, loadPersonas } from "../../src/scenario/personas.ts";
import { folderWith } from "./temporary-folder.ts";

const fixtures = join(import.meta.dirname, "fixtures", "personas");
const ada = readFileSync(join(fixtures, "ada.yaml"), "utf8");

describe("loadPersona", () => {
  it("fills in the defaults", () => {
    expect(loadPersona(join(fixtures, "linus.yaml"))).toMatchObject({
      id: "linus",
      talkativeness: 0.5,
      requiresReasoning: false,
      beliefs: [],
    });
  });

  it("refuses a persona whose file has another name", () => {
    const folder = folderWith({ "augusta.yaml": ada });
    expect(() => loadPersona(join(folder, "augusta.yaml"))).toThrow(
      /augusta\.yaml:1:5 id: expected augusta, got "ada" \(a persona's file is named after its id\)/,
    );
  });
});

describe("loadPersonas", () => {
  it("loads every persona of a folder in the order of their ids and leaves other files alone", () => {
    const grace = ada.replace("id: ada", "id: grace");
    const folder = folderWith({ "grace.yml": grace, "ada.yaml": ada, "README.md": "# Personas" });
    expect(loadPersonas(folder).map(({ id }) => id)).toEqual(["ada", "grace"]);
  });

  it("reports the problems of all files at once", () => {
    const folder = folderWith({ "ada.yaml": ada.replace("analytical", "cold"), "bob.yaml": "name: Bob\n" });
    let problems: InvalidFilesError["problems"] = [];
    try {
      loadPersonas(folder);
    } catch (error) {
      if (error instanceof InvalidFilesError) problems = error.problems;
    }
    expect(new Set(problems.map(({ file }) => file.replace(`${folder}/`, "")))).toEqual(
      new Set(["ada.yaml", "bob.yaml"]),
    );
    expect(problems.map(({ path }) => path)).toContain("personality.kind");
    expect(problems.map(({ path }) => path)).toContain("background");
  });

  it("refuses two files for one id", () => {
    const folder = folderWith({ "ada.yaml": ada, "ada.yml": ada });
    expect(() => loadPersonas(folder)).toThrow(
      /ada\.yml: expected one file for each persona, got also .*ada\.yaml/,
    );
  });

  it("refuses a folder without personas, and one that does not exist", () => {
    expect(() => loadPersonas(folderWith({ "notes.md": "" }))).toThrow(
      /expected at least one persona \(\*\.yaml\), got none/,
    );
    expect(() => loadPersonas(join(fixtures, "..", "persona"))).toThrow(
      /expected a folder, got nothing \(did you mean personas\?\)/,
    );
  });
});
