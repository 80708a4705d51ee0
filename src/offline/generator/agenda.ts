/** What a topic asks for: its terms, questions, facts, the options to choose from, and who plays which part. */
import { hash32 } from "../../domain/random.ts";
import { remembered } from "./memo.ts";
import { asPhrase, canLower, escapePattern, lowerFirst, sentencesOf, withoutEnd } from "./prose.ts";
import type { Participant } from "./situation.ts";
import { stemsOf } from "./stems.ts";
import { headPhrase, isPluralPhrase, type Term, termsOf } from "./terms.ts";
import { isBareVerb, LEANING_START } from "./words.ts";

export interface Agenda {
  /** Drawn from the topic: what is left to chance in it. */
  key: number;
  terms: Term[];
  /** The terms, and the options by their short names: what a speaker may take up from another. */
  pointTerms: Term[];
  /** In lower case at the start, with their question mark: to be put to somebody. */
  questions: string[];
  /** Statements with figures that everybody was given. */
  facts: string[];
  /** What there is to choose between; empty when the topic offers no choice. */
  options: string[];
  /** `noun`: "the rebuild". `action`: "ship the rebuild". */
  optionForm: "noun" | "action";
  judge?: string;
  interviewer?: string;
  /** In a debate, the option each advocate speaks for, by id. */
  sides: Map<string, number>;
  /** How the judge's ruling is to begin. */
  rulingWords: string;
}

const MAX_OPTION_WORDS = 14;
const NUMBER_WORD = /\d|\b(two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|half|twice|percent)\b/i;

function cutAtVerb(text: string): { before: string; after: string } {
  const words = text.split(" ");
  const at = words.findIndex((word) => isBareVerb(word.toLowerCase()));
  return { before: words.slice(at).join(" "), after: words.slice(at + 1).join(" ") };
}

/** The alternatives of "Should X do A, B, or C?", "whether A or B", "A versus B". */
function optionsOf(sentences: readonly string[]): Pick<Agenda, "options" | "optionForm"> {
  for (const sentence of sentences) {
    const choice =
      /^should (?<should>.+? or .+)$/i.exec(sentence) ??
      /\b(?:decide|decides|choose|choosing|deciding) between (?<between>.+? and [^,.;?]+)/i.exec(sentence) ??
      /\bwhether (?<whether>.+? or .+)$/i.exec(sentence) ??
      /^(?:debate: |motion: )?(?<versus>[^.?!:]+ (?:versus|vs\.?) [^.?!:]+)/i.exec(sentence);
    const { should, between, whether, versus } = choice?.groups ?? {};
    const list = withoutEnd(should ?? between ?? whether ?? versus ?? "").replace(
      / (is|are) (what|how|the question)\b.*$/,
      "",
    );
    if (list === "" || /^not\b/.test(list.split(/\bor /)[1] ?? "")) continue;
    const separator =
      between !== undefined ? /,? and / : versus !== undefined ? / (?:versus|vs\.?) / : /, or | or |, /;
    const [head = "", ...rest] = list
      .split(separator)
      .map((part) => part.replace(/^(to|should) /, "").trim());
    const isAction = rest.every((part) => isBareVerb((part.split(" ")[0] ?? "").toLowerCase()));
    const cut =
      should !== undefined || whether !== undefined ? cutAtVerb(head) : { before: head, after: head };
    const first = (isAction ? cut.before : cut.after).replace(/^to /, "");
    const options = [first, ...rest].map((part) => asPhrase(part.replace(/^to /, "")));
    const sound = options.every((option) => option !== "" && option.split(" ").length <= MAX_OPTION_WORDS);
    if (sound && options.length >= 2 && options.length <= 4) {
      return { options, optionForm: isAction ? "action" : "noun" };
    }
  }
  return { options: [], optionForm: "noun" };
}

const namedIn = (sentence: string, people: readonly Participant[]) =>
  people.filter(
    ({ name, shortName }) =>
      sentence.includes(name) ||
      new RegExp(`(?<!\\p{L})${escapePattern(shortName)}(?!\\p{L})`, "u").test(sentence),
  );

/** "A and B speak for the X. C speaks against it, for a Y." */
function sidesOf(sentences: readonly string[], people: readonly Participant[]) {
  const sides = new Map<string, number>();
  const options: string[] = [];
  for (const sentence of sentences) {
    const stand =
      /\b(?:speaks?|argues?|stands?|pleads?|makes? the case|is|are) (?:against it, )?(?:for|in favou?r of) (?<pro>[^.,;]+)/i.exec(
        sentence,
      ) ?? /\bdefends? (?<pro>[^.,;]+)/i.exec(sentence);
    const advocates = namedIn(sentence, people);
    const option = stand?.groups?.pro;
    if (option === undefined || advocates.length === 0) continue;
    const text = asPhrase(option)
      .replace(/^an? (?=\w)/, "the ")
      .replace(/ (with|that|which|where) .*$/, "");
    options.push(text);
    for (const { id } of advocates) sides.set(id, options.length - 1);
  }
  return options.length === 2 ? { sides, options } : { sides: new Map<string, number>(), options: [] };
}

const asTerm = (text: string): Term => ({
  text,
  core: text.replace(/^the /i, "").toLowerCase(),
  kind: "thing",
  isPlural: isPluralPhrase(text),
});

/** Something to talk about even when a topic is a single word or names nothing. */
function withFallback(terms: Term[], topic: string): Term[] {
  if (terms.filter(({ kind }) => kind === "thing").length >= 5) return terms;
  const short = asPhrase(topic.replace(/\s+/g, " "));
  const isShort = terms.length === 0 && /^[\p{L}\p{N}' -]{3,40}$/u.test(short) && !/^(the|a|an)$/.test(short);
  const spare = [
    ...(isShort ? [short] : []),
    "the first step",
    "the cost of waiting",
    "the way back",
    "the long run",
  ];
  return [...terms, ...spare.map(asTerm)];
}

/** In a debate neither side may argue with the other's name: terms that belong to one option are no common ground. */
function isNeutral(options: readonly string[]) {
  const [first = [], second = []] = options.map(stemsOf);
  const partial = [...first, ...second].filter((stem) => first.includes(stem) !== second.includes(stem));
  return ({ core }: Term) => !stemsOf(core).some((stem) => partial.includes(stem));
}

function makeAgenda({ topic, people }: { topic: string; people: readonly Participant[] }): Agenda {
  const sentences = sentencesOf(topic);
  const mentions = (id: RegExp) =>
    people.find(({ role, name, shortName }) => {
      const said = new RegExp(
        `(?:${escapePattern(name)}|${escapePattern(shortName)})[^.,;]{0,50}?\\b(?:${id.source})`,
        "iu",
      );
      return said.test(topic) || new RegExp(`^(?:the |a |an )?(?:${id.source})\\b`, "i").test(role);
    })?.id;
  const { sides, options: stands } = sidesOf(sentences, people);
  const choice = optionsOf(sentences);
  const judge = mentions(/judges|judge|adjudicates|arbiter|referee|rules on|decides who/);
  const interviewer = mentions(/interviews|interviewer|reporter|journalist/);
  const isNameless = (sentence: string) => namedIn(sentence, people).length === 0;
  const isDebate = stands.length === 2;
  const found = termsOf(topic, people);
  const terms = withFallback(isDebate ? found.filter(isNeutral(stands)) : found, topic);
  const named = isDebate || choice.optionForm === "action" ? [] : choice.options.map(headPhrase);
  const agenda: Agenda = {
    key: hash32(topic),
    terms,
    pointTerms: [
      ...terms,
      ...named.map(asTerm).filter(({ core }) => terms.every((term) => term.core !== core)),
    ],
    questions: sentences
      .filter(
        (sentence) => sentence.endsWith("?") && sentence.length <= 130 && !/^should\b.* or /i.test(sentence),
      )
      .filter((sentence) => isNameless(sentence) && canLower(sentence))
      .map((sentence) => lowerFirst(sentence)),
    facts: sentences.filter(
      (sentence) =>
        sentence.endsWith(".") &&
        sentence.length >= 40 &&
        sentence.length <= 190 &&
        NUMBER_WORD.test(sentence) &&
        !LEANING_START.test(sentence) &&
        !/^no\b|\b(two|three|four|five|six|some|most) of them (?!in\b)/i.test(sentence) &&
        isNameless(sentence),
    ),
    options: isDebate ? stands : choice.options,
    optionForm: isDebate ? "noun" : choice.optionForm,
    sides,
    rulingWords: /with the words? ["“]([^"”]{3,60})["”]/i.exec(topic)?.[1] ?? "My ruling is",
  };
  if (judge !== undefined) agenda.judge = judge;
  if (interviewer !== undefined && people.length > 1) agenda.interviewer = interviewer;
  return agenda;
}

const recall = remembered(
  64,
  ({ topic, people }: { topic: string; people: readonly Participant[] }) =>
    [topic, ...people.map(({ id, name, role }) => `${id}/${name}/${role}`)].join("\n"),
  makeAgenda,
);

/** The same for every turn of a conversation, and so read once. */
export const readAgenda = (topic: string, people: readonly Participant[]): Agenda =>
  recall({ topic, people });
