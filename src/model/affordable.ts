/** What a request can cost at most, if its conversation may spend that. */
import { DramatisError } from "../domain/errors.ts";
import { formatUsd } from "../domain/money.ts";
import type { Exchange } from "./exchange.ts";
import { ModelError } from "./model-error.ts";

/** A request that was not sent, and why. */
export const notSent = (code: ModelError["code"], model: string, detail: string): ModelError =>
  new ModelError(code, detail, { model, isRetryable: false, mayBeBilled: false });

/**
 * The worst case of one more attempt in nano-dollars, as coarsely as what is left allows.
 * @param owed bounds of earlier attempts that may have been paid
 * @param sharedLeftNanoUsd of a cap that is shared; a dearer request is the sharer's to refuse
 * @throws DramatisError `no-price` where no bound is known, ModelError `budget` where the conversation may not spend it
 */
export async function affordable(
  exchange: Exchange,
  { owed, sharedLeftNanoUsd }: { owed: number; sharedLeftNanoUsd: number },
): Promise<number> {
  const { spendableNanoUsd, model } = exchange;
  const own = spendableNanoUsd === undefined ? Number.POSITIVE_INFINITY : spendableNanoUsd - owed;
  const worst = await exchange.worstNanoUsd(Math.min(own, sharedLeftNanoUsd));
  if (worst === undefined) {
    const detail = `Model ${model.id} has no price in the catalog, so no budget can hold. Add its price, or run without a budget.`;
    throw new DramatisError("no-price", detail);
  }
  if (worst <= own) return worst;
  const again = owed > 0 ? "An answer was lost on the way, and asking again could pass the cap. " : "";
  throw notSent("budget", model.id, `${again}The next request could cost ${formatUsd(worst)}.`);
}
