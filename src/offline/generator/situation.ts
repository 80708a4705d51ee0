/** Reads the request as a situation: who speaks, about what, who said what before, what a search brought. */
import type { ChatMessage, ChatRequest } from "../protocol.ts";
import { KINDS, type Kind } from "./phrases/voices.ts";

export interface Participant {
  id: string;
  name: string;
  /** How others call this person: the first name, unless two share it. */
  shortName: string;
  role: string;
  expertise: string[];
}

/** Who is to speak, as its own lines say. Everything is optional in a request; here it has a neutral default. */
export interface Self extends Participant {
  background: string;
  kind: Kind;
  traits: string;
  style: string;
  bigFive: {
    openness: number;
    conscientiousness: number;
    extraversion: number;
    agreeableness: number;
    neuroticism: number;
  };
  goals: string[];
  beliefs: string[];
  /** Steers what this persona turns to; its text is never used in a sentence. */
  privateNotes: string[];
}

export interface Spoken {
  /** Undefined when the message carries no name. */
  speaker: string | undefined;
  text: string;
  sources: string[];
}

export interface Situation {
  seed: number;
  topic: string;
  cast: Participant[];
  self: Self;
  transcript: Spoken[];
  turn: number;
  maxTurns: number | undefined;
  /** Contents of the tool messages of this turn; empty before any search. */
  toolResults: string[];
}

export const textOf = ({ content }: ChatMessage): string =>
  typeof content === "string" ? content : (content ?? []).map((part) => part.text).join("\n");

/** Under this name a prompt says what was said before in short; it is nobody's message. */
export const SUMMARY_NAME = "earlier_summary";

const isFromSystem = ({ role }: ChatMessage) => role === "system" || role === "developer";

/** The text under `# title` up to `# next`, or to the next heading. */
function section(text: string, title: string, next = ""): string {
  const start = text.search(new RegExp(`^# ${title}\\s*$`, "m"));
  if (start === -1) return "";
  const body = text.slice(start).replace(/^[^\n]*\n?/, "");
  const end = body.search(new RegExp(`^# ${next}`, "m"));
  return (end === -1 ? body : body.slice(0, end)).trim();
}

function shortNames(cast: Participant[]): Participant[] {
  const firstOf = (name: string) =>
    name.replace(/^(?:Dr|Prof|Professor|Mr|Mrs|Ms|Sir|Dame)\.?\s+/, "").split(/\s+/)[0] ?? name;
  const counts = Map.groupBy(cast, ({ name }) => firstOf(name));
  return cast.map((person) => ({
    ...person,
    shortName: counts.get(firstOf(person.name))?.length === 1 ? firstOf(person.name) : person.name,
  }));
}

function participantsOf(head: string): Participant[] {
  const lines = section(head, "Participants").matchAll(/^- ([a-z0-9-]+): (.+)$/gm);
  return shortNames(
    [...lines].map(([, id = "", rest = ""]) => {
      const [who = "", expertise = ""] = rest.split(/\. Expertise: /);
      const [name = id, ...role] = who.split(", ");
      const fields = expertise
        .replace(/\.$/, "")
        .split(", ")
        .filter((field) => field !== "");
      return { id, name, shortName: name, role: role.join(", "), expertise: fields };
    }),
  );
}

const ONE_OF_CAST = /^# You are (.+) \(([a-z0-9-]+)\)\s*$/m;
const field = (lines: string, name: string) =>
  new RegExp(`^${name}: (.+)$`, "m").exec(lines)?.[1]?.trim() ?? "";

/** A list in one line: `Title, more words: one; two.` */
function listOf(lines: string, title: string): string[] {
  const body = new RegExp(`^${title}[^:\\n]*: (.+)$`, "m").exec(lines)?.[1] ?? "";
  return body
    .replace(/\.$/, "")
    .split("; ")
    .filter((item) => item !== "");
}

/** What the head says of one participant: the indented lines under its name. */
function cardOf(head: string, id: string): string {
  const lines = section(head, "Participants").split("\n");
  const at = lines.findIndex((text) => text.startsWith(`- ${id}: `));
  const after = at === -1 ? [] : lines.slice(at + 1);
  const end = after.findIndex((text) => !text.startsWith("  "));
  return (end === -1 ? after : after.slice(0, end)).map((text) => text.trim()).join("\n");
}

/** How much of a trait a word stands for. */
const SHARES: Readonly<Record<string, number>> = { "very high": 0.9, high: 0.7, low: 0.3, "very low": 0.1 };

function selfOf(own: string, head: string, cast: readonly Participant[]): Self {
  const [, name = "The assistant", id = "assistant"] = ONE_OF_CAST.exec(own) ?? [];
  const lines = `${own}\n${cardOf(head, id)}`;
  const personality = field(lines, "Personality");
  const word = /^\w+/.exec(personality)?.[0];
  const trait = (key: string) => {
    const degree = new RegExp(`\\b((?:very )?(?:high|low)) ${key}`).exec(personality)?.[1] ?? "";
    return SHARES[degree] ?? 0.5;
  };
  const known = cast.find((person) => person.id === id);
  const expertise = listOf(lines, "Expertise");
  return {
    id,
    name,
    shortName: known?.shortName ?? name,
    role: field(lines, "Role") || (known?.role ?? ""),
    background: field(lines, "Background"),
    kind: KINDS.find((kind) => kind === word) ?? "pragmatic",
    traits: personality.replace(/^\w+; /, ""),
    style: field(lines, "Communication style"),
    bigFive: {
      openness: trait("openness"),
      conscientiousness: trait("conscientiousness"),
      extraversion: trait("extraversion"),
      agreeableness: trait("agreeableness"),
      neuroticism: trait("neuroticism"),
    },
    expertise: expertise.length > 0 ? expertise : (known?.expertise ?? []),
    goals: listOf(lines, "Goals"),
    beliefs: listOf(lines, "Beliefs"),
    privateNotes: listOf(lines, "Private notes"),
  };
}

export function spokenOf(message: ChatMessage, self: string): Spoken {
  const text = textOf(message);
  const sources = /\n\[sources: ([^\]\n]+)\]\s*$/.exec(text);
  return {
    speaker: message.name ?? (message.role === "assistant" ? self : undefined),
    text: sources === null ? text : text.slice(0, sources.index),
    sources: sources?.[1]?.split(", ") ?? [],
  };
}

/** Never fails: what a request does not say is filled with what is neutral. */
export function readSituation({ messages, seed }: ChatRequest): Situation {
  const ownAt = messages.findLastIndex(
    (message) => isFromSystem(message) && ONE_OF_CAST.test(textOf(message)),
  );
  const own = messages[ownAt];
  const ownLines = own === undefined ? "" : textOf(own);
  const head =
    messages
      .filter(isFromSystem)
      .map(textOf)
      .find((text) => /^# Participants\s*$/m.test(text)) ?? "";
  const cast = participantsOf(head);
  const self = selfOf(ownLines, head, cast);
  // In a persona's prompt the turn begins after its own lines; elsewhere after the last thing a user said.
  const turnStart = ownAt >= 0 ? ownAt : messages.findLastIndex(({ role }) => role === "user");
  const said = (ownAt >= 0 ? messages.slice(0, ownAt) : messages).filter(
    ({ role, tool_calls, name }) =>
      (role === "user" && name !== SUMMARY_NAME) || (role === "assistant" && !tool_calls?.length),
  );
  const transcript = said.map((message) => spokenOf(message, self.id));
  const [, turn, maxTurns] = /This is turn (\d+)(?: of at most (\d+))?/.exec(ownLines) ?? [];
  const lastUser = messages.findLast(({ role }) => role === "user");
  return {
    seed: seed ?? 0,
    topic: section(head, "Topic", "Participants") || (lastUser === undefined ? "" : textOf(lastUser)),
    cast,
    self,
    transcript,
    turn: turn === undefined ? transcript.length + 1 : Number(turn),
    maxTurns: maxTurns === undefined ? undefined : Number(maxTurns),
    toolResults: messages
      .slice(turnStart + 1)
      .filter(({ role }) => role === "tool")
      .map(textOf),
  };
}
