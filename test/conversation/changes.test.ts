import { describe, expect, it } from "vitest";
import { changesIn } from "../../src/conversation/changes.ts";
import type { ConversationState } from "../../src/conversation/state.ts";
import { emptyTotals } from "../../src/ledger/totals.ts";

const complexity = { level: "low" as const, signs: [] };
const state = {
  messages: [],
  turns: [],
  status: "running",
  ending: null,
  seed: 7,
  complexity,
} as unknown as ConversationState;

describe("changesIn", () => {
  it("leaves out what adds nothing to a list or a sum", () => {
    expect(changesIn(state, { messages: [], turns: [], usage: [], totals: emptyTotals() })).toEqual({});
  });

  it("looks at every list there is", () => {
    const lists = { failures: [], notices: [], attempts: [], summaries: [] };
    expect(
      changesIn({ ...state, ...lists }, { failures: [], notices: [], attempts: [], summaries: [] }),
    ).toEqual({});
  });

  it("leaves out what the state says already", () => {
    expect(changesIn(state, { status: "running", ending: null, seed: 7, complexity })).toEqual({});
  });

  it("keeps what is new, null and 0 too", () => {
    const halted = { ...state, halt: { status: "failed" } } as unknown as ConversationState;
    const update = { status: "completed" as const, halt: null, seed: 0, complexity: { ...complexity } };
    expect(changesIn(halted, update)).toEqual(update);
  });

  it("keeps what adds to a list or a sum", () => {
    const attempt = {
      purpose: "turn",
      model: "m",
      attempt: 1,
      problem: "unreachable",
      mayBeBilled: true,
    } as const;
    const update = { attempts: [attempt], totals: { ...emptyTotals(), requests: 1 } };
    expect(changesIn(state, update)).toEqual(update);
  });
});
