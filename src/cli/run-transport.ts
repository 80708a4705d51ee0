/** How a run's requests are to travel, as the flags say; where they leave it open, by how many there will be. */
import { DramatisError } from "../domain/errors.ts";
import { chooseTransport, URGENCIES, type Urgency } from "../simulation/choose-transport.ts";
import type { Transport } from "../simulation/plan-checks.ts";
import { transportOf } from "../store/runs.ts";
import type { Sql } from "../store/sql.ts";

export interface TransportFlags {
  transport?: Transport | "auto";
  urgency?: Urgency;
}

/** Keys in the order help shows them. */
export const TRANSPORTS: Record<NonNullable<TransportFlags["transport"]>, true> = {
  network: true,
  batch: true,
  auto: true,
};

export { URGENCIES };

interface Asked {
  runId: string;
  flags: TransportFlags;
  /** About how many requests the run will have. */
  requests: number;
  /** Told in a sentence what was chosen, and why. */
  tell(why: string): void;
}

/**
 * What is asked for; a run that is there already keeps what was chosen for it.
 * @throws DramatisError `invalid-argument` for an urgency beside a transport that leaves nothing open
 */
export async function transportFor(
  sql: Sql,
  { runId, flags, requests, tell }: Asked,
): Promise<Transport | undefined> {
  const { transport = flags.urgency === undefined ? "network" : "auto", urgency = "normal" } = flags;
  if (transport !== "auto") {
    if (flags.urgency === undefined) return transport;
    const message = `--urgency is for --transport auto, and this is ${transport}. Leave one of the two out.`;
    throw new DramatisError("invalid-argument", message);
  }
  const there = await transportOf(sql, runId);
  if (there !== undefined) return there === "batch" ? "batch" : "network";
  const chosen = chooseTransport({ urgency, requests });
  tell(chosen.why);
  return chosen.transport;
}
