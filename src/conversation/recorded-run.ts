/** How runs meet a recording: what they begin with is noted in it or taken from it, and so is how they end. */
import { DramatisError } from "../domain/errors.ts";
import { drawSeed } from "../domain/random.ts";
import type { ConversationRecord } from "../domain/record.ts";
import type { RunLine } from "../model/recording/exchange-lines.ts";
import type { Recorder } from "../model/recording/recorder.ts";
import type { Replay } from "../model/recording/replay.ts";
import { canonicalJson } from "../model/request-digest.ts";
import type { Scenario } from "../scenario/scenario.ts";
import type { ConversationParts } from "./graph.ts";
import type { RunOptions } from "./run.ts";
import { type ConversationContextInput, type ConversationInput, conversationContext } from "./state.ts";

export interface AskedRun {
  scenario: string;
  input: ConversationInput | undefined;
  context: ConversationContextInput | undefined;
}

/** The part of a run that a recording keeps. */
const recordedPart = ({ scenario, input, context }: AskedRun): Omit<RunLine, "kind" | "at"> => {
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
  tier: "the tier",
  tierFallback: "the tier's fallback",
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

type RunParts = Pick<RunOptions, "input" | "context" | "stopSignal"> &
  Pick<ConversationParts, "checkpointer" | "drawSeed">;

/** The runs of one process, in their order. */
export function recordedRuns({
  recorder,
  replay,
}: {
  recorder: Recorder | undefined;
  replay: Replay | undefined;
}) {
  let replayed = 0;
  return {
    /** The options of a run as the recording has them, or noted in one. */
    begun<Run extends RunParts>(scenario: Scenario, run: Run): Run {
      const { input, context } = run;
      const recorded = replay?.runs[replayed++];
      if (replay !== undefined && recorded !== undefined) {
        const agreed = agreedRun(recorded, { scenario: scenario.id, input, context }, replay.file);
        const signals = [replay.interrupted, run.stopSignal].filter((signal) => signal !== undefined);
        return { ...run, ...agreed, stopSignal: AbortSignal.any(signals) };
      }
      if (recorder === undefined) return run;
      // A thread that goes on has its seed already.
      const drawn = run.checkpointer === undefined ? (run.drawSeed ?? drawSeed) : undefined;
      const seed = input?.seed ?? scenario.seed ?? drawn?.();
      const seeded = { ...input, ...(seed === undefined ? {} : { seed }) };
      recorder.begin(recordedPart({ scenario: scenario.id, input: seeded, context }));
      return { ...run, input: seeded };
    },

    /** A replay that came to another end than its recording has failed, whatever became of the request that differed. */
    ended(record: ConversationRecord): ConversationRecord {
      recorder?.end(record.status);
      const evidence = replay?.problem;
      if (evidence === undefined || record.status === "failed") return record;
      return { ...record, status: "failed", ending: { kind: "failure", evidence } };
    },
  };
}
