/** How long an answer may get, in tokens: what is asked for, what a reasoning model thinks with, the model's own maximum. */
import type { ModelInfo } from "../domain/model-info.ts";

/** What a reasoning model may think with before it answers, since the provider counts both together. */
const THINKING_TOKENS = 4000;

/** Of one request; the answer and the thinking before it together. */
export function longestAnswer(
  model: Pick<ModelInfo, "reasons" | "maxOutput">,
  maxOutputTokens: number,
): number {
  return Math.min(maxOutputTokens + (model.reasons ? THINKING_TOKENS : 0), model.maxOutput);
}
