/** Whether requests go one by one or by batch, where nobody says: by what a batch saves, and what it takes. Pure. */
import { formatUsd } from "../domain/money.ts";
import type { Transport } from "./plan-checks.ts";

/** low: within days; normal: when it is worth it; high: now. */
export type Urgency = "low" | "normal" | "high";

export interface ChosenTransport {
  transport: Transport;
  /** A sentence for people. */
  why: string;
}

/** What a run is expected to cost and to take; money in nano-dollars, of all conversations together. */
export interface Prospect {
  /** Over the network and by batch; undefined: a model has no price. */
  costNanoUsd: number | undefined;
  batchNanoUsd: number | undefined;
  /** Requests of a conversation that wait for each other: its turns and the rounds of its tools. */
  waves: number;
  /** What the account's limits take over the network at best; undefined: they are not known. */
  networkMs: number | undefined;
  /** What its limit of batch tokens a day takes; undefined: it is not known. */
  batchMs: number | undefined;
}

const HOUR_MS = 3_600_000;
/**
 * How long a wave is taken to last. OpenAI promises 24 hours and says that it is often less
 * (https://platform.openai.com/docs/guides/batch); an hour is our assumption, said where it decides.
 */
const WAVE_MS = HOUR_MS;
/** What an hour that a machine waits, and nobody else, is to save. */
const WORTH_AN_HOUR_NANO_USD = 1_000_000_000;
/** A hundredth of a cent: what is expected is known no better. */
const ROUNDED_NANO_USD = 100_000;

const roughly = (nano: number) => formatUsd(Math.round(nano / ROUNDED_NANO_USD) * ROUNDED_NANO_USD);

/** `12 minutes`, `20 hours`: whole ones. */
function timeText(ms: number): string {
  const [unit, name] = ms < HOUR_MS ? [60_000, "minute"] : [HOUR_MS, "hour"];
  const whole = Math.max(1, Math.round(ms / unit));
  return whole === 1
    ? `${name === "hour" ? "an" : "a"} ${name}`
    : `${whole.toLocaleString("en-US")} ${name}s`;
}

/** Undefined: urgency is normal, and what the run is expected to cost and to take decides. */
export function chosenByUrgency(urgency: Urgency): ChosenTransport | undefined {
  switch (urgency) {
    case "high":
      return { transport: "network", why: "Sent one by one: urgency is high." };
    case "low":
      return {
        transport: "batch",
        why: "By batch, at half the price: urgency is low, and it may take days.",
      };
    case "normal":
      return undefined;
  }
}

/** By batch where each hour of waiting that the network would spare saves a dollar. */
export function chooseTransport(prospect: Prospect): ChosenTransport {
  const { costNanoUsd, batchNanoUsd, waves, networkMs = 0, batchMs = 0 } = prospect;
  if (costNanoUsd === undefined || batchNanoUsd === undefined) {
    const why = "Sent one by one: a model has no price, so what a batch would save is not known.";
    return { transport: "network", why };
  }
  const savedNanoUsd = costNanoUsd - batchNanoUsd;
  const takesMs = Math.max(waves * WAVE_MS, batchMs);
  const longerMs = Math.max(0, takesMs - networkMs);
  const isWorthIt = savedNanoUsd >= (longerMs / HOUR_MS) * WORTH_AN_HOUR_NANO_USD;
  const saves = `about ${roughly(savedNanoUsd)} of ${roughly(costNanoUsd)}`;
  const takes = `about ${timeText(takesMs)}, at an hour for each of some ${waves} waves`;
  const instead = networkMs === 0 ? "" : ` instead of ${timeText(networkMs)} at this account's limits`;
  return isWorthIt
    ? { transport: "batch", why: `By batch: it saves ${saves} and takes ${takes}${instead}.` }
    : {
        transport: "network",
        why: `Sent one by one: a batch would save ${saves} and take ${takes}${instead}, and at urgency normal an hour is to save a dollar. By batch all the same: --urgency low`,
      };
}
