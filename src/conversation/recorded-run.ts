/** What a replayed run begins with: what was recorded; what is asked for must agree with it. */
import { DramatisError } from "../domain/errors.ts";
import type { RunLine } from "../model/exchange-lines.ts";
import { canonicalJson } from "../model/request-digest.ts";
import { type ConversationContextInput, type ConversationInput, conversationContext } from "./state.ts";

export interface AskedRun {
  scenario: string;
  input: ConversationInput | undefined;
  context: ConversationContextInput | undefined;
}

/** The part of a run that a recording keeps. */
export const recordedPart = ({ scenario, input, context }: AskedRun): Omit<RunLine, "kind" | "at"> => {
  const { seed, topic, opening } = input ?? {};
  // How a run is watched is no part of what happened.
  const { stream: _, ...settings } = context ?? {};
  return {
    scenario,
    ...(seed === undefined ? {} : { seed }),
    ...(topic === undefined ? {} : { topic }),
    ...(opening === undefined ? {} : { opening }),
    context: settings,
  };
};

/** Words for what may disagree. */
const NAMES: Readonly<Record<string, string>> = {
  scenario: "the scenario",
  seed: "the seed",
  topic: "the topic",
  opening: "the opening",
  maxTurns: "the limit of turns",
  models: "the models",
  complexity: "the complexity",
  budget: "the budget",
};

const shown = (value: unknown) => (value === undefined ? "none" : canonicalJson(value).slice(0, 100));

/**
 * The input and context of the recorded run, laid over what was asked for.
 * @throws DramatisError `invalid-argument` where the two disagree, or the recording's context is none.
 */
export function agreedRun(recorded: RunLine, asked: AskedRun, file: string) {
  const { kind: _, at: __, context: before, ...fields } = recorded;
  const { context: given, ...askedFields } = recordedPart(asked);
  const then: Record<string, unknown> = { ...before, ...fields };
  for (const [name, value] of Object.entries({ ...given, ...askedFields })) {
    if (value === undefined || canonicalJson(value) === canonicalJson(then[name])) continue;
    const what = NAMES[name] ?? name;
    const advice = name === "scenario" ? "Replay that one." : "Leave it out, or record anew.";
    const message = `${what} is ${shown(value)}, but ${file} was recorded with ${shown(then[name])}. ${advice}`;
    throw new DramatisError("invalid-argument", `Cannot replay: ${message}`);
  }
  const context = conversationContext.safeParse(before);
  if (!context.success) {
    throw new DramatisError("invalid-file", `${file}: the recorded run's context is not valid.`, {
      cause: context.error,
    });
  }
  const { scenario: ___, ...input } = fields;
  const watched = asked.context?.stream === undefined ? {} : { stream: asked.context.stream };
  return {
    input: { ...asked.input, ...input },
    context: { ...(before as ConversationContextInput), ...watched },
  };
}
