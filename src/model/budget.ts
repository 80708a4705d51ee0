/**
 * A hard cap that many conversations share. A request holds its worst case before it is sent, so that no combination of
 * answers can pass the cap; what it really cost takes the place of what it held.
 */
import { DramatisError } from "../domain/errors.ts";
import { formatUsd, nanoUsd } from "../domain/money.ts";

/** An amount that is held for a request on its way. */
export interface Reservation {
  /** Gives back what was held and counts what was spent: the cost, or the most it can have been. Once. */
  settle(spentNanoUsd: number): void | Promise<void>;
}

/** A cap in whole nano-dollars, and what became of it. */
export interface Budget {
  readonly capNanoUsd: number;
  /** Known costs, and for every unknown one the most it can be. */
  readonly spentNanoUsd: number;
  /** Held for requests on their way. */
  readonly heldNanoUsd: number;
  /**
   * Holds an amount; waits while it would fit if those on their way cost nothing. Undefined: it cannot fit any more.
   * Rejects with the signal's reason.
   */
  reserve(amountNanoUsd: number, signal?: AbortSignal): Promise<Reservation | undefined>;
}

interface Waiter {
  amount: number;
  grant(reservation: Reservation | undefined): void;
}

/**
 * Makes a cap for one gateway or several; pass it as their `budget`.
 * @param maxCostUsd dollars, above 0
 * @param spentNanoUsd what was spent of it before, by an earlier process. Default 0
 * @throws DramatisError `invalid-argument` when `maxCostUsd` is not above 0
 */
export function createBudget({
  maxCostUsd,
  spentNanoUsd: before = 0,
}: {
  maxCostUsd: number;
  spentNanoUsd?: number;
}): Budget {
  if (!(maxCostUsd > 0)) {
    throw new DramatisError("invalid-argument", `maxCostUsd: expected dollars above 0, got ${maxCostUsd}.`);
  }
  const capNanoUsd = nanoUsd(maxCostUsd);
  let spent = before;
  let held = 0;
  const queue: Waiter[] = [];

  function hold(amount: number): Reservation {
    held += amount;
    let isOpen = true;
    return {
      settle(cost) {
        if (!isOpen) return;
        isOpen = false;
        held -= amount;
        spent += cost;
        serve();
      },
    };
  }

  /** First come, first served: a large request must not be overtaken for ever by small ones. */
  function serve(): void {
    for (let first = queue[0]; first !== undefined; first = queue[0]) {
      const isHopeless = spent + first.amount > capNanoUsd;
      if (!isHopeless && spent + held + first.amount > capNanoUsd) return;
      queue.shift();
      first.grant(isHopeless ? undefined : hold(first.amount));
    }
  }

  return {
    capNanoUsd,
    get spentNanoUsd() {
      return spent;
    },
    get heldNanoUsd() {
      return held;
    },
    async reserve(amount, signal) {
      signal?.throwIfAborted();
      return await new Promise((resolve, reject) => {
        const leave = () => {
          const place = queue.indexOf(waiter);
          if (place < 0) return;
          queue.splice(place, 1);
          reject(signal?.reason);
          serve();
        };
        const waiter: Waiter = {
          amount,
          grant(reservation) {
            signal?.removeEventListener("abort", leave);
            resolve(reservation);
          },
        };
        signal?.addEventListener("abort", leave, { once: true });
        queue.push(waiter);
        serve();
      });
    },
  };
}

/** Why a request was not sent. */
export const sharedBudgetSpent = ({ spentNanoUsd, capNanoUsd }: Budget, worst: number): string =>
  `${formatUsd(spentNanoUsd)} of the shared ${formatUsd(capNanoUsd)} spent; the next request could cost ${formatUsd(worst)}.`;
