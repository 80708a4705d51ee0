/** The six voices by kind of personality. */
import { ANALYTICAL } from "./analytical.ts";
import { CREATIVE } from "./creative.ts";
import { EMPATHETIC } from "./empathetic.ts";
import { PRAGMATIC } from "./pragmatic.ts";
import { SKEPTICAL } from "./skeptical.ts";
import { VISIONARY } from "./visionary.ts";
import type { Voice } from "./voice.ts";

export const KINDS = ["analytical", "creative", "pragmatic", "empathetic", "skeptical", "visionary"] as const;
export type Kind = (typeof KINDS)[number];

export const VOICES: Record<Kind, Voice> = {
  analytical: ANALYTICAL,
  creative: CREATIVE,
  pragmatic: PRAGMATIC,
  empathetic: EMPATHETIC,
  skeptical: SKEPTICAL,
  visionary: VISIONARY,
};
