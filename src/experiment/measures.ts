/** Outcome measures of a conversation, from its record alone: no model is asked. Pure. */
import type { Turn } from "../domain/turn.ts";
import { gini } from "./statistics.ts";

/** Undefined: nobody said anything it could be measured by. */
export interface Measures {
  /** Turns that wanted to conclude, as a share of all. */
  concluding: number | undefined;
  /** Mean confidence of the turns, from 0 to 1. */
  confidence: number | undefined;
  /** Passages of the knowledge base that a turn cites. */
  citationsPerTurn: number | undefined;
  /** Words of a turn's message: runs of characters between spaces. */
  wordsPerTurn: number | undefined;
  /** Gini's coefficient of the words that each of the cast said, who said nothing included. */
  inequality: number | undefined;
}

/** What is measured of a turn; all that needs to be read of it. */
export type MeasuredTurn = Pick<Turn, "speaker" | "message" | "confidence" | "citations" | "wantsToConclude">;

const wordsIn = (message: string): number => message.split(/\s+/u).filter((word) => word !== "").length;

/** @param cast ids of everybody who could have spoken */
export function measure(turns: readonly MeasuredTurn[], cast: readonly string[]): Measures {
  const mean = (amount: (turn: MeasuredTurn) => number): number | undefined =>
    turns.length === 0 ? undefined : turns.reduce((sum, turn) => sum + amount(turn), 0) / turns.length;
  const spoken = new Map(cast.map((id) => [id, 0]));
  for (const { speaker, message } of turns)
    spoken.set(speaker, (spoken.get(speaker) ?? 0) + wordsIn(message));
  return {
    concluding: mean(({ wantsToConclude }) => Number(wantsToConclude)),
    confidence: mean(({ confidence }) => confidence),
    citationsPerTurn: mean(({ citations }) => citations.length),
    wordsPerTurn: mean(({ message }) => wordsIn(message)),
    inequality: gini([...spoken.values()]),
  };
}
