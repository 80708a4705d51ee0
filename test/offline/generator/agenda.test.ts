import { describe, expect, it } from "vitest";
import { readAgenda } from "../../../src/offline/generator/agenda.ts";

const person = (id: string, name: string, role = "") => ({
  id,
  name,
  shortName: name.split(" ")[0] ?? name,
  role,
  expertise: [],
});
const textsOf = (topic: string) => readAgenda(topic, []).terms.map(({ text }) => text);

describe("what a topic asks for", () => {
  it("finds noun phrases with the article they need", () => {
    const terms = textsOf(
      "The reading room needs an earlier opening hour. Volunteers want a shared calendar for paying guests, and the council wants lower heating costs.",
    );
    expect(terms).toEqual(expect.arrayContaining(["the reading room", "the shared calendar"]));
    for (const term of terms) expect(term).not.toMatch(/needs|want|^a /);
  });

  it("has something to talk about for any topic", () => {
    for (const topic of ["", "x", "Remote work", "???", "你好"])
      expect(textsOf(topic).length).toBeGreaterThan(2);
    expect(textsOf("Remote work")).toContain("remote work");
  });

  it.each([
    [
      "Should the release contain summaries, the rebuild, or the patch with a pilot?",
      ["summaries", "the rebuild", "the patch with a pilot"],
      "noun",
    ],
    [
      "Should the town close its centre to cars, or charge a toll?",
      ["close its centre to cars", "charge a toll"],
      "action",
    ],
    ["We must decide between the old mill and the new hall.", ["the old mill", "the new hall"], "noun"],
    ["Tabs versus spaces", ["tabs", "spaces"], "noun"],
    ["How do we win readers back?", [], "noun"],
  ])("reads the options of %j", (topic, options, form) => {
    const agenda = readAgenda(topic, []);
    expect(agenda.options).toEqual(options);
    expect(agenda.optionForm).toBe(form);
  });

  it("keeps open questions and given figures apart", () => {
    const agenda = readAgenda(
      "The mill has room for 40 looms and one wheel. Who repairs the roof before winter? Nobody knows.",
      [],
    );
    expect(agenda.questions).toEqual(["who repairs the roof before winter?"]);
    expect(agenda.facts).toEqual(["The mill has room for 40 looms and one wheel."]);
  });

  it("finds sides, judge and the words of the ruling", () => {
    const people = [person("ana", "Ana Reis"), person("bo", "Bo Lund"), person("cy", "Cy Park")];
    const agenda = readAgenda(
      'Ana Reis speaks for the mill. Bo Lund speaks against it, for a dam. Cy Park judges with the words "So be it".',
      people,
    );
    expect([...agenda.sides]).toEqual([
      ["ana", 0],
      ["bo", 1],
    ]);
    expect(agenda.options).toEqual(["the mill", "the dam"]);
    expect(agenda.judge).toBe("cy");
    expect(agenda.rulingWords).toBe("So be it");
  });

  it("takes a researcher at a round table for no interviewer", () => {
    const people = [person("ana", "Ana Reis", "user researcher"), person("bo", "Bo Lund", "engineer")];
    expect(readAgenda("Should we ship the app or the site?", people).interviewer).toBeUndefined();
    expect(readAgenda("Ana Reis interviews one engineer about the app.", people).interviewer).toBe("ana");
  });
});
