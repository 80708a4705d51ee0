/** Requests that were never made, charged at a time of one's choice: a past for reports that nobody has to live through. */
import { DramatisError } from "../domain/errors.ts";
import type { BilledTier, BillKeeper, Charge, Payer } from "./bill.ts";
import type { TokenUsage } from "./protocol.ts";
import type { ServedModels } from "./served-models.ts";

/** What is charged, when, and to whom. Tokens that are missing are 0; `inputTokens` includes the cached ones. */
export interface PastCharge extends Payer, Partial<TokenUsage> {
  /** Milliseconds since 1970. */
  at: number;
  /** One that is served, or a dated snapshot of it. */
  model: string;
  /** Default `default`. */
  tier?: BilledTier | undefined;
}

/** @throws DramatisError `invalid-argument` for a model that is not served and for figures that cannot be */
export function createPastCharges(models: ServedModels, bill: BillKeeper): (past: PastCharge) => Charge {
  let number = 0;
  return ({ at, model: id, tier = "default", project, user, apiKey, ...tokens }) => {
    const model = models.find(id);
    const { inputTokens = 0, cachedInputTokens = 0, outputTokens = 0, reasoningTokens = 0 } = tokens;
    const usage = { inputTokens, cachedInputTokens, outputTokens, reasoningTokens };
    const figures = [at, ...Object.values(usage)];
    const isPossible = figures.every((figure) => Number.isSafeInteger(figure) && figure >= 0);
    if (model === undefined || !isPossible || cachedInputTokens > inputTokens) {
      const got = JSON.stringify({ at, model: id, ...usage });
      const expected = `one of the models ${models.ids.join(", ")} and whole numbers of tokens, cached ones within the input`;
      throw new DramatisError("invalid-argument", `A past charge: expected ${expected}, got ${got}.`);
    }
    number += 1;
    const requestId = `req_past_${String(number).padStart(6, "0")}`;
    return bill.charge({
      requestId,
      model: { ...model, id },
      usage,
      tier,
      payer: { project, user, apiKey },
      at,
    });
  };
}
