/** Turns a biography in the third person into sentences the persona can say of its own life. */
import { capitalise, sentencesOf } from "./prose.ts";
import { isPast, verbBase } from "./words.ts";

const KEPT = new Set(["is", "has", "was", "had", "can", "could", "would", "will", "does", "did"]);
const FIRST_PERSON: Record<string, string> = { is: "am", has: "have", was: "was", does: "do" };
const ADVERBS = new Set([
  "now",
  "still",
  "also",
  "once",
  "never",
  "often",
  "always",
  "later",
  "then",
  "usually",
]);

/** "teaches" becomes "teach"; a past tense stays. Undefined when the word is no verb we know. */
function firstPerson(verb: string): string | undefined {
  if (KEPT.has(verb)) return FIRST_PERSON[verb] ?? verb;
  if (isPast(verb)) return verb;
  return verb.endsWith("s") ? verbBase(verb) : undefined;
}

function speakerVerb(words: string[], at: number): boolean {
  const place = ADVERBS.has(words[at] ?? "") ? at + 1 : at;
  const verb = firstPerson(words[place] ?? "");
  if (verb === undefined) return false;
  words[place] = verb;
  return true;
}

/** One sentence, or undefined when it cannot be turned safely. */
function turned(sentence: string, shortName: string): string | undefined {
  const start = new RegExp(
    `^(?:${shortName}(?:\\s\\p{Lu}[\\p{L}'’-]*)*,?(?: \\d+,)?|She|He|Her|His)(?= )`,
    "u",
  ).exec(sentence)?.[0];
  if (start === undefined || /\b(them|themselves)\b/.test(sentence) || sentence.length > 190)
    return undefined;
  // What leans on the sentence before it ("she finished it by ear") makes no sense alone.
  if (/ it\b/.test(sentence.slice(0, 60))) return undefined;
  const isPossessive = /^(Her|His)$/.test(start);
  const words = sentence.slice(start.length).trim().split(" ");
  if (!isPossessive && !speakerVerb(words, 0)) return undefined;
  for (let index = 0; index < words.length; index++) {
    const word = words[index] ?? "";
    const next = words[index + 1] ?? "";
    const bare = word.replace(/[,.;:]$/, "");
    const mark = word.slice(bare.length);
    if (/^(she|he)$/i.test(bare)) {
      words[index] = `I${mark}`;
      if (!speakerVerb(words, index + 1) && /s[,.;]?$/.test(next)) return undefined;
    } else if (/^(herself|himself)$/.test(bare)) words[index] = `myself${mark}`;
    else if (bare === "him") words[index] = `me${mark}`;
    else if (bare === "his") words[index] = "my";
    else if (bare === "her")
      words[index] =
        mark !== "" || /^(in|on|to|at|with|for|the|a|an|and|from)$/.test(next) || next === ""
          ? `me${mark}`
          : "my";
    else if (
      /^(and|but)$/.test(word) &&
      !isPossessive &&
      next.endsWith("s") &&
      firstPerson(next) !== undefined
    ) {
      if (words.slice(0, index).some((earlier) => /^(who|which|that)$/.test(earlier))) return undefined;
      speakerVerb(words, index + 1);
    }
  }
  const rest = words.join(" ");
  return capitalise(`${isPossessive ? "My" : "I"} ${rest}`);
}

export function lifeOf(background: string, shortName: string): string[] {
  return sentencesOf(background).flatMap((sentence) => turned(sentence, shortName) ?? []);
}
