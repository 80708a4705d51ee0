/** What people read when a file is wrong: every line, word for word. */
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { formatProblem } from "../../src/domain/errors.ts";
import { checkFiles } from "../../src/scenario/check-files.ts";

const fixtures = join(import.meta.dirname, "fixtures");
const messagesOf = (file: string) =>
  checkFiles([join(fixtures, file)]).map((problem) => formatProblem(problem).replaceAll(`${fixtures}/`, ""));

describe("the messages for a broken persona", () => {
  it("name every mistake with its place, what was expected and what came", () => {
    expect(messagesOf("broken/broken-persona.yaml")).toEqual([
      "broken/broken-persona.yaml:2:1 role: expected text, got nothing (Job or position in the conversation, in a few words.)",
      'broken/broken-persona.yaml:2:5 id: expected a slug (at most 64 lower-case letters and digits, words joined by hyphens), got "moderator" ("moderator" is reserved by the graph; choose another id)',
      `broken/broken-persona.yaml:2:5 id: expected broken-persona, got "moderator" (a persona's file is named after its id)`,
      "broken/broken-persona.yaml:3:7 name: expected text, got number 42 (put it in quotes)",
      'broken/broken-persona.yaml:4:1 rol: expected a known key, got "rol" (did you mean role?)',
      "broken/broken-persona.yaml:5:13 background: expected text, got empty text",
      "broken/broken-persona.yaml:6:1 personality.communicationStyle: expected text, got nothing (How this persona talks, in one or two sentences.)",
      'broken/broken-persona.yaml:7:9 personality.kind: expected one of analytical, creative, pragmatic, empathetic, skeptical, visionary, got "analitical" (did you mean analytical?)',
      'broken/broken-persona.yaml:8:11 personality.traits: expected a list that is not empty, got "patient"',
      'broken/broken-persona.yaml:9:3 personality.comunicationStyle: expected a known key, got "comunicationStyle" (did you mean communicationStyle?)',
      "broken/broken-persona.yaml:11:15 personality.bigFive.openness: expected a number from 0 to 1, got number 1.4",
      'broken/broken-persona.yaml:12:24 personality.bigFive.conscientiousness: expected a number from 0 to 1, got "0.7" (write it without quotes)',
      'broken/broken-persona.yaml:13:19 personality.bigFive.extraversion: expected a number from 0 to 1, got "high"',
      "broken/broken-persona.yaml:14:5 personality.bigFive.agreeableness: expected a number from 0 to 1, got nothing",
      'broken/broken-persona.yaml:16:5 personality.bigFive.honesty: expected a known key, got "honesty" (known: openness, conscientiousness, extraversion, agreeableness, neuroticism)',
      "broken/broken-persona.yaml:18:1 expertise: expected this key once, got it again (first on line 17)",
      "broken/broken-persona.yaml:20:5 expertise[1]: expected text, got number 2026 (put it in quotes)",
      "broken/broken-persona.yaml:22:1: expected spaces as indentation, got a tab (replace it by spaces)",
      "broken/broken-persona.yaml:23:16 talkativeness: expected a number from 0 to 1, got number -1",
      'broken/broken-persona.yaml:24:20 requiresReasoning: expected true or false, got "yes"',
      'broken/broken-persona.yaml:25:13 knowledge[0]: expected a slug (at most 64 lower-case letters and digits, words joined by hyphens), got "Business Cases"',
      'broken/broken-persona.yaml:26:1 favouriteColour: expected a known key, got "favouriteColour" (known: id, name, role, background, personality, expertise, goals, beliefs, privateNotes, talkativeness, requiresReasoning, knowledge, model)',
    ]);
  });
});

describe("the messages for a broken scenario", () => {
  it("name every mistake of the file, its cast and its categories", () => {
    expect(messagesOf("scenarios/broken.yaml")).toEqual([
      "scenarios/broken.yaml:2:1 topic: expected text, got nothing (What the personas talk about, as they are told it.)",
      'scenarios/broken.yaml:2:5 id: expected a slug (at most 64 lower-case letters and digits, words joined by hyphens), got "Broken Scenario"',
      `scenarios/broken.yaml:2:5 id: expected broken, got "Broken Scenario" (a scenario's file is named after its id)`,
      "scenarios/broken.yaml:3:1 title: expected text, got a list of 2",
      'scenarios/broken.yaml:7:5 cast[1]: expected a category of the knowledge base (pricing, technical), got "legal", which grace searches',
      'scenarios/broken.yaml:8:5 cast[2]: expected the id of a persona in personas, got "adda" (did you mean ada?)',
      'scenarios/broken.yaml:9:5 cast[3]: expected each persona once, got "ada" again (first at cast[0])',
      "scenarios/broken.yaml:10:5 cast[4]: expected a slug (at most 64 lower-case letters and digits, words joined by hyphens) or a mapping with id, name, role, background, personality, expertise, goals, got number 7 (put it in quotes)",
      "scenarios/broken.yaml:11:5 cast[5].role: expected text, got nothing (Job or position in the conversation, in a few words.)",
      "scenarios/broken.yaml:11:5 cast[5].background: expected text, got nothing (Biography that shapes what the persona says.)",
      "scenarios/broken.yaml:13:5 cast[5].personality.bigFive: expected a mapping with openness, conscientiousness, extraversion, agreeableness, neuroticism, got nothing (The five-factor model, each from 0 (low) to 1 (high).)",
      'scenarios/broken.yaml:13:26 cast[5].personality.kind: expected one of analytical, creative, pragmatic, empathetic, skeptical, visionary, got "bold"',
      'scenarios/broken.yaml:16:17 cast[5].knowledge[0]: expected a category of the knowledge base (pricing, technical), got "techncal" (did you mean technical?)',
      'scenarios/broken.yaml:18:11 moderator.policy: expected one of round-robin, directed, random, weighted, model, got "directd" (did you mean directed?)',
      'scenarios/broken.yaml:20:5 endings[0].maxTurn: expected a known key, got "maxTurn" (did you mean maxTurns?)',
      "scenarios/broken.yaml:21:15 endings[1].maxTurns: expected a whole number of at least 1, got number 2.5",
      "scenarios/broken.yaml:22:5 endings[2]: expected exactly one of maxTurns, maxTokens, maxCostUsd, maxDurationSeconds, phrase, consensus, stalemate, any, all, got a mapping with maxTurns, phrase (exactly one condition; combine several with `any` or `all`)",
      "scenarios/broken.yaml:24:32 endings[3].any[0].consensus.minTurns: expected a whole number of at least 1, got number 0",
      "scenarios/broken.yaml:25:9 endings[3].any[1].all: expected a list that is not empty, got an empty list",
      "scenarios/broken.yaml:26:9 endings[3].any[2]: expected exactly one of maxTurns, maxTokens, maxCostUsd, maxDurationSeconds, phrase, consensus, stalemate, any, all, got an empty mapping (exactly one condition; combine several with `any` or `all`)",
      'scenarios/broken.yaml:28:13 complexity: expected one of low, medium, high, auto, got "hgih" (did you mean high?)',
      "scenarios/broken.yaml:29:9 budget: expected a mapping with maxCostUsd, got number 5",
      "scenarios/broken.yaml:30:7 seed: expected a whole number from 0 to 2147483647, got number -3",
      'scenarios/broken.yaml:31:12 onFailure: expected one of skip, stop, got "retry"',
      "scenarios/broken.yaml:33:20 answers.maxOutputTokens: expected a whole number from 1 to 128000, got number 999999",
      'scenarios/broken.yaml:34:3 answers.temprature: expected a known key, got "temprature" (did you mean temperature?)',
    ]);
  });
});
