/** Who waits in this process for a shared pace, and the slots that were booked for them. Pure but for whom it is told to grant. */
import { LATE_MS } from "../../store/pace.ts";
import { createFairQueue } from "./fair-queue.ts";
import type { Permit, Priority } from "./permit.ts";

export interface Waiter {
  readonly conversation: string | undefined;
  readonly priority: Priority;
  readonly tokens: number;
  readonly since: number;
  /** An interactive one took its slot; that happens once. */
  wasPassed: boolean;
  hasLeft: boolean;
  grant(permit: Permit): void;
  fail(reason: unknown): void;
}

export interface Slot {
  waiter: Waiter;
  readonly tokens: number;
  readonly pauses: number;
  /** At the store's clock, and at ours. */
  readonly at: number;
  readonly dueAt: number;
  /** When the store last said that nothing speaks against it. */
  checkedAt: number;
}

/** A slot that was booked longer ago is asked for again before it is used: all may have been told to pause since. */
const CHECK_AFTER_MS = 500;
const CHECK_BEFORE_MS = 30;

export interface BookedSlots {
  /** How many have a slot. */
  readonly size: number;
  /** Somebody waits who has none. */
  readonly isWaitedFor: boolean;
  push(waiter: Waiter): void;
  /** Who is to be booked next; the same until somebody is taken, or a more urgent one comes. */
  peek(): Waiter | undefined;
  take(): Waiter | undefined;
  /** To the front, in this order: their slot was lost. */
  putBack(waiters: readonly Waiter[]): void;
  add(slot: Slot): void;
  /** Those that may go now, with who goes; who is too late for its slot waits again. */
  takeDue(now: number): Slot[];
  /** Takes someone out who gave up. What comes back is a slot that nobody else can have. */
  leave(waiter: Waiter): Slot | undefined;
  /** The store was asked at this time, and said that nobody goes before `pausedUntil`. */
  checked(now: number, pausedUntil: number): void;
  /** All lose their slots, and wait for others. */
  clear(): void;
  needsCheck(now: number): boolean;
  /** When something is to be done next; undefined: nobody has a slot. */
  wakeAt(): { at: number; isCheck: boolean } | undefined;
}

const needsCheck = ({ dueAt, checkedAt }: Slot) => dueAt - checkedAt > CHECK_AFTER_MS;

/** @param isLimited whether tokens are: a slot then is no good for someone who needs more of them. */
export function createBookedSlots(isLimited: () => boolean): BookedSlots {
  const queue = createFairQueue<Waiter>();
  /** Before the queue: those whose slot was lost, or taken by an interactive one. */
  const first: Waiter[] = [];
  /** In the order of their times. */
  let slots: Slot[] = [];

  const peek = () => first[0] ?? queue.peek();
  const take = () => first.shift() ?? queue.take();
  const fits = ({ tokens }: Waiter, slot: Slot) => !isLimited() || tokens <= slot.tokens;

  function putBack(waiters: readonly Waiter[]): void {
    first.unshift(...waiters.filter(({ hasLeft }) => !hasLeft));
  }

  /** An interactive one that has just come goes before a bulk one that has a slot already. */
  function letUrgentPass(slot: Slot): void {
    const { waiter } = slot;
    const urgent = queue.peek();
    if (waiter.priority !== "bulk" || waiter.wasPassed) return;
    if (urgent?.priority !== "interactive" || !fits(urgent, slot)) return;
    queue.take();
    waiter.wasPassed = true;
    first.unshift(waiter);
    slot.waiter = urgent;
  }

  return {
    get size() {
      return slots.length;
    },
    get isWaitedFor() {
      return first.length + queue.size > 0;
    },
    push: queue.push,
    peek,
    take,
    putBack,
    add: (slot) => void slots.push(slot),
    takeDue(now) {
      const due: Slot[] = [];
      const late: Waiter[] = [];
      for (let slot = slots[0]; slot !== undefined; slot = slots[0]) {
        if (slot.dueAt > now || needsCheck(slot)) break;
        slots.shift();
        if (now - slot.dueAt > LATE_MS) {
          late.push(slot.waiter);
          continue;
        }
        letUrgentPass(slot);
        due.push(slot);
      }
      putBack(late);
      return due;
    },
    leave(waiter) {
      waiter.hasLeft = true;
      const slot = slots.find((one) => one.waiter === waiter);
      if (slot === undefined) {
        const place = first.indexOf(waiter);
        if (place >= 0) first.splice(place, 1);
        else queue.remove(waiter);
        return undefined;
      }
      const heir = peek();
      if (heir !== undefined && fits(heir, slot)) {
        take();
        slot.waiter = heir;
        return undefined;
      }
      slots = slots.filter((other) => other !== slot);
      return slot;
    },
    checked(now, pausedUntil) {
      for (const slot of slots) slot.checkedAt = now;
      putBack(slots.filter(({ at }) => at < pausedUntil).map(({ waiter }) => waiter));
      slots = slots.filter(({ at }) => at >= pausedUntil);
    },
    clear() {
      putBack(slots.map(({ waiter }) => waiter));
      slots = [];
    },
    needsCheck(now) {
      const [slot] = slots;
      return slot !== undefined && needsCheck(slot) && slot.dueAt - CHECK_BEFORE_MS <= now;
    },
    wakeAt() {
      const [slot] = slots;
      if (slot === undefined) return undefined;
      return needsCheck(slot)
        ? { at: slot.dueAt - CHECK_BEFORE_MS, isCheck: true }
        : { at: slot.dueAt, isCheck: false };
    },
  };
}
