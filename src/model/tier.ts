/** At which price a request is sent: what its model is offered at, and at what it may be billed. Pure. */
import { DramatisError } from "../domain/errors.ts";
import type { ModelInfo } from "../domain/model-info.ts";
import type { AskedTier, SentTier } from "../domain/usage.ts";

/** The provider's name of a tier in a request; a batch's requests name none. */
export const SERVICE_TIERS = {
  standard: "default",
  flex: "flex",
  batch: undefined,
} as const satisfies Record<SentTier, string | undefined>;

/** Whether a model can be asked at a tier. */
export const isOfferedAt = (tier: SentTier, { flex }: Pick<ModelInfo, "flex">): boolean =>
  tier !== "flex" || flex;

/** How a model is asked that nobody named: at standard where it is not offered at the tier that is asked for. */
export const unnamed = (tiers: AskedTier, model: Pick<ModelInfo, "flex">): AskedTier =>
  isOfferedAt(tiers.tier ?? "standard", model) ? tiers : {};

/** The error of whoever asks for flex where a model is not offered at it; names those of the catalog that are. */
export function notOffered(model: string, models: Iterable<ModelInfo>): DramatisError {
  const others = [...models].filter(({ flex }) => flex).map(({ id }) => id);
  return new DramatisError(
    "invalid-argument",
    `${model} is not offered at the tier flex; those that are: ${others.join(", ") || "none of the catalog"}. Choose another model, or have it asked at standard (tierFallback: "standard", --tier-fallback standard).`,
  );
}

/** The tier at which a request begins; undefined: its model is not offered at the one that is asked for. */
export function firstTier(
  { tier = "standard", tierFallback }: AskedTier,
  model: Pick<ModelInfo, "flex">,
): SentTier | undefined {
  return isOfferedAt(tier, model) ? tier : tierFallback;
}
