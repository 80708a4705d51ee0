import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { conversationState } from "../../src/conversation/state.ts";
import { personaSchema, RESERVED_IDS, SLUG_PATTERN, slugSchema } from "../../src/domain/persona.ts";
import { personaInput, samplePersona } from "./sample-persona.ts";

const isAccepted = (id: string) => personaSchema.safeParse(personaInput(id)).success;

describe("a persona's id", () => {
  it.each(["ada", "a", "42", "mary-2-jones", "a".repeat(64)])("may be %s", (id) => {
    expect(isAccepted(id)).toBe(true);
  });

  it.each(["", "Ada", "a b", "a_b", "-a", "a-", "a--b", "å", "a\n", "a".repeat(65)])(
    "may not be %j",
    (id) => {
      expect(isAccepted(id)).toBe(false);
    },
  );

  it("is always accepted by OpenAI as the name of a message", () => {
    fc.assert(
      fc.property(fc.stringMatching(SLUG_PATTERN), (id) => {
        if (slugSchema.safeParse(id).success) expect(id).toMatch(/^[a-zA-Z0-9_-]{1,64}$/);
      }),
    );
  });

  it("may not be a key of the graph's state, since a node cannot bear that name", () => {
    const keys = conversationState.getAllKeys().filter((key) => SLUG_PATTERN.test(key));
    expect(keys).toContain("turns");
    expect(keys.filter(isAccepted)).toEqual([]);
  });

  it("may not be a key that every object has", () => {
    const keys = Object.getOwnPropertyNames(Object.prototype).filter((key) => SLUG_PATTERN.test(key));
    expect(keys).toEqual(["constructor"]);
    expect(keys.filter(isAccepted)).toEqual([]);
  });

  it.each(["moderator", "host", "human"])("may not be %s, who speaks or acts besides the personas", (id) => {
    const { error } = personaSchema.safeParse(personaInput(id));
    expect(error?.issues).toMatchObject([{ path: ["id"], message: expect.stringContaining(`"${id}"`) }]);
  });

  it("is reserved only where it could be an id at all", () => {
    expect(RESERVED_IDS.filter((id) => !slugSchema.safeParse(id).success)).toEqual([]);
  });
});

describe("a persona", () => {
  it("gets defaults for what its author left out", () => {
    expect(samplePersona("ada")).toMatchObject({
      beliefs: [],
      privateNotes: [],
      talkativeness: 0.5,
      requiresReasoning: false,
    });
    expect(samplePersona("ada").knowledge).toBeUndefined();
    expect(samplePersona("ada").model).toBeUndefined();
  });

  it("loses the white space around its texts", () => {
    expect(samplePersona("ada", { name: "  Ada \n", goals: [" win "] })).toMatchObject({
      name: "Ada",
      goals: ["win"],
    });
  });

  it.each([
    ["an unknown key", { age: 40 }, []],
    ["a talkativeness above 1", { talkativeness: 1.1 }, ["talkativeness"]],
    ["an empty name", { name: "   " }, ["name"]],
    ["no area of expertise", { expertise: [] }, ["expertise"]],
    ["an empty goal", { goals: ["fine", ""] }, ["goals", 1]],
  ])("is rejected for %s, at that place", (_, more, path) => {
    const { error } = personaSchema.safeParse({ ...personaInput("ada"), ...more });
    expect(error?.issues.map((issue) => issue.path)).toEqual([path]);
  });

  it("is told all its mistakes at once", () => {
    const { error } = personaSchema.safeParse({ ...personaInput("Ada"), role: "", talkativeness: -1 });
    expect(error?.issues.map(({ path }) => path[0])).toEqual(["id", "role", "talkativeness"]);
  });
});
