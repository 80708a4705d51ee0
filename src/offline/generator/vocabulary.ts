/** The generator's own words: what every voice says anyway is no telling word to take up. */
import { ADVOCATE, JUDGE } from "./phrases/debate.ts";
import { INTERVIEWER, RESPONDENT } from "./phrases/interview.ts";
import { ASIDES, LEADS } from "./phrases/manner.ts";
import * as stance from "./phrases/stance.ts";
import { VOICES } from "./phrases/voices.ts";

let ordinary: ReadonlySet<string> | undefined;

function collect(): ReadonlySet<string> {
  const banks = [
    ...Object.values(VOICES),
    ADVOCATE,
    JUDGE,
    INTERVIEWER,
    RESPONDENT,
    ASIDES,
    stance,
    { LEADS },
  ];
  const frames = banks.flatMap((bank) => Object.values(bank) as (readonly string[])[]).flat();
  return new Set(
    frames.flatMap(
      (frame) =>
        frame
          .toLowerCase()
          .replace(/\{\w+\}/g, " ")
          .match(/[a-z]{4,}/g) ?? [],
    ),
  );
}

/** Whether the word belongs to the frames. Collected at the first use, then kept. */
export function isOrdinaryWord(word: string): boolean {
  ordinary ??= collect();
  return ordinary.has(word) || ordinary.has(word.replace(/s$/, ""));
}
