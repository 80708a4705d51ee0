/** How a run's requests are to travel, as the flags say; where they leave it open, by what a batch saves and takes. */
import { openDramatis } from "../app.ts";
import type { ConversationContextInput } from "../conversation/state.ts";
import { DramatisError } from "../domain/errors.ts";
import { longest, needsOf } from "../quote/at-best.ts";
import type { Scenario } from "../scenario/scenario.ts";
import {
  type ChosenTransport,
  chooseTransport,
  chosenByUrgency,
  type Prospect,
} from "../simulation/choose-transport.ts";
import type { Transport } from "../simulation/plan-checks.ts";
import { knownLimits } from "./found-limits.ts";
import { type GatewayFlags, gatewayOptions } from "./gateway-flags.ts";
import type { Terminal } from "./terminal.ts";
import type { TransportFlags } from "./transport-flags.ts";

/** What is to be sent. */
export interface Sending {
  scenario: Scenario;
  conversations: number;
  context: ConversationContextInput;
}

interface Asked {
  flags: TransportFlags & GatewayFlags;
  terminal: Terminal;
  sending: Sending;
  /** What was chosen for a run that is there already; it keeps that. */
  chosen?(): Promise<Transport | undefined>;
  /** Told in a sentence what was chosen, and why. */
  tell(why: string): void;
}

const DAY_MS = 86_400_000;

/** From one sample run offline, and the limits of the account as far as they are known. */
async function prospectOf(
  { scenario, conversations, context }: Sending,
  flags: GatewayFlags,
  terminal: Terminal,
): Promise<Prospect> {
  const dramatis = await openDramatis({ ...gatewayOptions(flags, terminal), offline: true });
  const { expected, samples } = await dramatis.quote(scenario, { context, runs: conversations, samples: 1 });
  const needs = needsOf(expected, await knownLimits(flags, terminal));
  const { costNanoUsd, batchNanoUsd, unpricedRequests } = expected.total;
  const days = Math.max(0, ...needs.map(({ batchDays = 0 }) => batchDays));
  return {
    costNanoUsd: unpricedRequests > 0 ? undefined : costNanoUsd,
    batchNanoUsd: unpricedRequests > 0 ? undefined : batchNanoUsd,
    waves: Math.max(1, ...samples.map(({ requests }) => requests)),
    networkMs: longest(needs.flatMap(({ atBest }) => (atBest === undefined ? [] : [atBest])))?.ms,
    // What the first day has room for need not wait for another.
    batchMs: Math.max(0, days - 1) * DAY_MS,
  };
}

async function choose({ flags, terminal, sending }: Asked): Promise<ChosenTransport> {
  const { urgency = "normal" } = flags;
  if (sending.context.tier === "flex") {
    const why = "Sent one by one: --tier flex has the price of a batch already, and goes by none.";
    return { transport: "network", why };
  }
  return chosenByUrgency(urgency) ?? chooseTransport(await prospectOf(sending, flags, terminal));
}

/**
 * What is asked for, or chosen.
 * @throws DramatisError `invalid-argument` for an urgency beside a transport that leaves nothing open, and a tier beside a batch
 */
export async function transportFor(asked: Asked): Promise<Transport> {
  const { flags, sending, chosen, tell } = asked;
  const { transport = flags.urgency === undefined ? "network" : "auto" } = flags;
  if (transport === "batch" && sending.context.tier !== undefined) {
    const message =
      "--tier is for requests that are sent one by one; a batch has its own price, half of the standard one. Leave --tier or --transport batch out.";
    throw new DramatisError("invalid-argument", message);
  }
  if (transport !== "auto") {
    if (flags.urgency === undefined) return transport;
    const message = `--urgency is for --transport auto, and this is ${transport}. Leave one of the two out.`;
    throw new DramatisError("invalid-argument", message);
  }
  const there = await chosen?.();
  if (there !== undefined) return there;
  const { transport: best, why } = await choose(asked);
  tell(why);
  return best;
}
