/** How long an answer may get, in tokens: what is asked for, what a reasoning model thinks with, the model's own maximum. */

/** What a reasoning model may think with before it answers, since the provider counts both together. */
export const THINKING_TOKENS = 4000;

/** Of one request; the answer and the thinking before it together. */
export function longestAnswer(
  { reasons, maxOutput }: { reasons: boolean; maxOutput: number },
  maxOutputTokens: number,
): number {
  return Math.min(maxOutputTokens + (reasons ? THINKING_TOKENS : 0), maxOutput);
}
