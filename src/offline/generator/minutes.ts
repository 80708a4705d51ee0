/** The minutes of a conversation: what the generator answers where a summary is asked for, in the shape of its schema. */
import type { ChatRequest } from "../protocol.ts";
import { closingQuestion, sentencesOf } from "./prose.ts";
import { SUMMARY_NAME, spokenOf, textOf } from "./situation.ts";

const KEYS = ["said", "decisions", "openQuestions", "citations"];
const DECIDED = /\b(?:decided|agreed|settled|we begin with|let's stop arguing|I vote|my vote)\b/i;
const WORDS = 12;
const MOST = 3;

/** Whether a request demands minutes. */
export function asksForMinutes({ response_format: format }: ChatRequest): boolean {
  if (format?.type !== "json_schema") return false;
  const { properties } = format.json_schema.schema as { properties?: object };
  return KEYS.every((key) => Object.hasOwn(properties ?? {}, key));
}

/** At most twelve words of a sentence. */
function brief(sentence: string): string {
  const words = sentence.split(" ");
  return words.length <= WORDS
    ? sentence
    : `${words
        .slice(0, WORDS)
        .join(" ")
        .replace(/[,;:.]$/, "")}…`;
}

/** Each speaker's point is the first whole sentence of what it said last; older minutes are carried on. */
export function minutesOf({ messages }: ChatRequest): string {
  const points = new Map<string, string>();
  const decisions: string[] = [];
  const openQuestions: string[] = [];
  const citations = new Set<string>();
  for (const message of messages.filter(({ role }) => role === "user" || role === "assistant")) {
    const { speaker = "somebody", text, sources } = spokenOf(message, "somebody");
    for (const id of sources) citations.add(id);
    const older = [...textOf(message).matchAll(/^- ([\w-]+): (.+)$/gm)];
    if (speaker === SUMMARY_NAME) {
      for (const [, id = "", point = ""] of older) points.set(id, point);
      continue;
    }
    const sentences = sentencesOf(text);
    const point = sentences.find((sentence) => !sentence.endsWith("?")) ?? sentences[0];
    if (point !== undefined) points.set(speaker, brief(point));
    const decided = sentences.find((sentence) => DECIDED.test(sentence));
    if (decided !== undefined) decisions.push(brief(decided));
    const question = closingQuestion(text);
    if (question !== "") openQuestions.push(brief(question));
  }
  return JSON.stringify({
    said: [...points].map(([speaker, point]) => ({ speaker, points: point })),
    decisions: decisions.slice(-MOST),
    openQuestions: openQuestions.slice(-MOST),
    citations: [...citations].slice(-2 * MOST),
  });
}
