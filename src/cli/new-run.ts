/** What a run that is new gets where nobody says it. */
import { newConversationId } from "../app.ts";
import type { Terminal } from "./terminal.ts";

/** Short enough to be typed: ids of conversations are made of it. */
export const newRunId = (scenarioId: string, { clock }: Pick<Terminal, "clock">): string =>
  newConversationId(scenarioId, clock()).slice(0, -6);

/** Leaves room for those of further conversations. */
export const drawnSeed = (): number => Math.floor(Math.random() * 2 ** 30);
