/** Whether requests go one by one or by batch, where nobody says: by how soon the answers are wanted, and how many there are. Pure. */
import type { Transport } from "./plan-checks.ts";

export const URGENCIES = ["low", "normal", "high"] as const;
/** low: within days; normal: when it is worth it; high: now. */
export type Urgency = (typeof URGENCIES)[number];

export interface ChosenTransport {
  transport: Transport;
  /** A sentence for people. */
  why: string;
}

/** From so many requests on, half the price is worth waves that may take hours each. */
const WORTH_WAITING = 2000;

export function chooseTransport({
  urgency,
  requests,
}: {
  urgency: Urgency;
  /** About how many there will be; a wave has one of each conversation. */
  requests: number;
}): ChosenTransport {
  const about = `about ${requests.toLocaleString("en-US")} requests`;
  if (urgency === "high") return { transport: "network", why: `Sent one by one: urgency is high.` };
  if (urgency === "low")
    return { transport: "batch", why: `By batch, at half the price: urgency is low (${about}).` };
  return requests >= WORTH_WAITING
    ? { transport: "batch", why: `By batch, at half the price: ${about}, and urgency is normal.` }
    : {
        transport: "network",
        why: `Sent one by one: ${about} are too few to wait for (from ${WORTH_WAITING.toLocaleString("en-US")} on, or --urgency low).`,
      };
}
