/**
 * How hard a conversation is, from signs that can be counted, one point each. Of the topic: 60 words or more; two open
 * questions; three figures. Of the latest eight turns, once there are four: half are unsure (confidence of at most
 * 0.6); half object; half searched the knowledge base; half ask something. 0 or 1 point is low, 2 or 3 medium, 4 and
 * more high. No model is asked, so the rating is free and the same on every run.
 */
import type { ComplexityLevel } from "../domain/scenario.ts";
import type { Rating, Turn } from "../domain/turn.ts";

/** Turns that the second half of the signs is counted over. */
const RECENT = 8;
const OBJECTION = /\b(but|however|disagree|not convinced|object|wrong|risk|instead|although|yet)\b/i;

const words = (text: string) => text.split(/\s+/).filter(Boolean).length;
const matches = (text: string, pattern: RegExp) => text.match(pattern)?.length ?? 0;

export function levelOf(score: number): ComplexityLevel {
  if (score >= 4) return "high";
  return score >= 2 ? "medium" : "low";
}

/** Rates a topic and the latest turns. */
export function rateComplexity(topic: string, turns: readonly Turn[]): Rating {
  const recent = turns.slice(-RECENT);
  const half = (holds: (turn: Turn) => boolean) =>
    recent.length >= RECENT / 2 && recent.filter(holds).length * 2 >= recent.length;
  const signs: [string, boolean][] = [
    ["topic of 60 words or more", words(topic) >= 60],
    ["two open questions in the topic", matches(topic, /\?/g) >= 2],
    ["three figures in the topic", matches(topic, /\d+(?:[.,]\d+)*/g) >= 3],
    ["half of the latest turns are unsure", half(({ confidence }) => confidence <= 0.6)],
    ["half of the latest turns object", half(({ message }) => OBJECTION.test(message))],
    ["half of the latest turns searched", half(({ toolCalls }) => toolCalls.length > 0)],
    ["half of the latest turns ask", half(({ message }) => message.includes("?"))],
  ];
  const found = signs.filter(([, present]) => present).map(([sign]) => sign);
  return { level: levelOf(found.length), score: found.length, signs: found };
}
