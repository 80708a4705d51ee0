/** Keeps the lines to models that a node speaks on, so that a request makes no client and converts no schema anew. */
import type { Gateway, ModelLine, ModelLineSettings } from "./gateway.ts";

/** Conversations with different seeds may share a graph; a few lines are kept, not one for every seed there ever was. */
const MAX_LINES = 32;

/** Opens lines that differ in model and seed only, each once as long as it is kept. */
export function keptLines<T>(
  gateway: Gateway,
  settings: Omit<ModelLineSettings<T>, "model" | "seed">,
): (model: string, seed: number | undefined) => ModelLine<T> {
  const lines = new Map<string, ModelLine<T>>();
  return (model, seed) => {
    const key = `${model} ${seed}`;
    const kept = lines.get(key);
    if (kept !== undefined) return kept;
    const line = gateway.line({ ...settings, model, seed });
    if (lines.size >= MAX_LINES) lines.clear();
    lines.set(key, line);
    return line;
  };
}
