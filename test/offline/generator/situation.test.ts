import { describe, expect, it } from "vitest";
import { LAYOUTS } from "../../../src/domain/scenario.ts";
import { readSituation } from "../../../src/offline/generator/situation.ts";
import { CAST, turnRequest } from "./stage.ts";

describe("readSituation", () => {
  it("finds the same person in every layout of the prompt", () => {
    for (const persona of CAST) {
      const [own, head] = LAYOUTS.map(
        (layout) => readSituation(turnRequest({ persona, transcript: [], turn: 3, layout })).self,
      );
      expect(head).toEqual(own);
      expect(own).toMatchObject({
        id: persona.id,
        name: persona.name,
        background: persona.background,
        kind: persona.personality.kind,
        expertise: persona.expertise,
      });
      expect(own?.goals).toHaveLength(persona.goals.length);
      expect(own?.beliefs).toHaveLength(persona.beliefs?.length ?? 0);
      expect(own?.privateNotes).toHaveLength(persona.privateNotes?.length ?? 0);
    }
  });

  it("takes an earlier summary for nobody's message", () => {
    const request = turnRequest({ persona: CAST[0] as (typeof CAST)[0], transcript: [], turn: 3 });
    request.messages.splice(1, 0, { role: "user", name: "earlier_summary", content: "- teo: yes" });
    expect(readSituation(request).transcript).toEqual([]);
  });
});
