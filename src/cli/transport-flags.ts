/** The flags that say how requests travel, in `run` and `simulate`. */
import { type Command, Option } from "commander";
import type { Urgency } from "../simulation/choose-transport.ts";
import type { Transport } from "../simulation/plan-checks.ts";

export interface TransportFlags {
  transport?: Transport | "auto";
  urgency?: Urgency;
}

/** Keys in the order help shows them; importing what names them would load it at start-up. */
const TRANSPORTS: Record<NonNullable<TransportFlags["transport"]>, true> = {
  network: true,
  batch: true,
  auto: true,
};
const URGENCIES: Record<Urgency, true> = { low: true, normal: true, high: true };

export const withTransportFlags = (command: Command): Command =>
  command
    .addOption(
      new Option(
        "--transport <how>",
        "network: requests go one by one; batch: together, at half the price, in waves of up to a day; auto: as it is worth it",
      ).choices(Object.keys(TRANSPORTS)),
    )
    .addOption(
      new Option("--urgency <how>", "how soon answers are wanted; chooses as --transport auto does").choices(
        Object.keys(URGENCIES),
      ),
    );
