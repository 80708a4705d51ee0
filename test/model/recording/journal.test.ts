/** A conversation's journal: what was stored is never asked again, what was under way is marked, and the cap holds. */
import { describe, expect, it } from "vitest";
import type { Completion, Exchange, Send } from "../../../src/model/exchange.ts";
import { ModelError } from "../../../src/model/model-error.ts";
import { openJournal } from "../../../src/model/recording/journal.ts";
import { claim } from "../../../src/store/conversations.ts";
import { requestsOf } from "../../../src/store/requests.ts";
import { createRun } from "../../../src/store/runs.ts";
import type { Store } from "../../../src/store/store.ts";
import { onEachEngine } from "../../store/engines.ts";
import { completion, exchange, REQUEST } from "../sample-exchange.ts";

const KEY = "own-key-MARKED-0123456789";
const LABELS = { conversation: "run-1", turn: 1, purpose: "turn", persona: "ada" } as const;
const clock = () => 1_700_000_000_000;

async function runIn(store: Store, id: string, maxCostNanoUsd?: number): Promise<void> {
  const conversations = [{ id: `${id}-1`, position: 0, settings: { seed: 1 } }];
  await createRun(store.sql, { id, scenario: "exports", definition: {}, maxCostNanoUsd, conversations });
}

/** A worker claims the conversation; whoever had it before is fenced. */
async function claimed({ sql }: Store, run: string, lease: string) {
  const holder = await claim(sql, { conversationId: `${run}-1`, lease, worker: lease });
  if (holder === undefined) throw new Error("expected a conversation to claim");
  return { holder, journal: await openJournal({ sql, holder, clock }) };
}

/** As the gateway does: sends through the journal, and closes the answer with what it cost. */
async function ask(send: Send, changes: Partial<Exchange> = {}, costNanoUsd = 700) {
  const asked = exchange({ labels: LABELS, ...changes });
  const answer = await send(asked);
  await asked.reservation?.settle(costNanoUsd);
  return { answer, asked };
}

/** A server that is told apart from the journal by what it counts. */
function server(answers: readonly (Completion | Error)[] = []) {
  const seen = { sent: 0 };
  const send: Send = async (asked) => {
    if (asked.budget !== undefined) {
      const reservation = await asked.budget.reserve(1000, asked.signal);
      if (reservation === undefined) {
        throw new ModelError("budget", "The cap.", {
          model: asked.model.id,
          isRetryable: false,
          mayBeBilled: false,
        });
      }
      asked.heldNanoUsd = 1000;
      asked.reservation = reservation;
    }
    await asked.beforeSend?.();
    const answer = answers[seen.sent] ?? completion(`Answer ${seen.sent}.`);
    seen.sent += 1;
    if (answer instanceof Error) throw answer;
    asked.isAnswered = true;
    asked.requestId = `req_${seen.sent}`;
    return answer;
  };
  return { seen, send };
}

const funds = async ({ sql }: Store, run: string) =>
  (
    await sql.query(
      "select spent_nano_usd as spent, held_nano_usd as held from dramatis.runs where id = $1",
      [run],
    )
  )[0];

onEachEngine("a journal", ({ shared }) => {
  it("answers what is stored again, without asking, with its request id", async () => {
    const store = await shared();
    await runIn(store, "run0");
    const { seen, send } = server();
    const first = await claimed(store, "run0", "one");
    const { answer } = await ask(first.journal.around(send, KEY));
    const second = await claimed(store, "run0", "two");
    const again = await ask(second.journal.around(send, KEY));
    expect(again.answer).toEqual(answer);
    expect(again.asked).toMatchObject({ isAnswered: true, requestId: "req_1", attempts: [] });
    expect(seen.sent).toBe(1);
  });

  it("tells of a stored answer whether the offline server gave it, whoever asks now", async () => {
    const store = await shared();
    await runIn(store, "run-offline");
    const { send } = server();
    for (const isOffline of [true, false]) {
      const { journal } = await claimed(store, "run-offline", `lease-${isOffline}`);
      const { asked } = await ask(journal.around(send, KEY), { isOffline });
      expect(asked.isOffline).toBe(true);
    }
  });

  it("gives an answer its own tier again, whichever is asked for now", async () => {
    const store = await shared();
    await runIn(store, "run9");
    const { seen, send } = server();
    const first = await claimed(store, "run9", "one");
    await ask(first.journal.around(send, KEY), { askedTier: "batch", tier: "batch" });
    const other = { labels: { ...LABELS, turn: 2 }, request: { ...REQUEST, seed: 8 } };
    await ask(first.journal.around(send, KEY), other);
    const { journal } = await claimed(store, "run9", "two");
    const again = journal.around(send, KEY);
    expect((await ask(again)).asked.tier).toBe("batch");
    const later = await ask(again, { ...other, askedTier: "batch", tier: "batch" });
    expect(later.asked.tier).toBe("standard");
    expect(seen.sent).toBe(2);
  });

  it("tells equal requests apart by how many came before", async () => {
    const store = await shared();
    await runIn(store, "run1");
    const { seen, send } = server();
    const first = (await claimed(store, "run1", "one")).journal.around(send, KEY);
    const said = [await ask(first), await ask(first)].map(({ answer }) => answer.choices[0]?.message.content);
    const second = (await claimed(store, "run1", "two")).journal.around(send, KEY);
    const again = [await ask(second), await ask(second)].map(
      ({ answer }) => answer.choices[0]?.message.content,
    );
    expect(said).toEqual(["Answer 0.", "Answer 1."]);
    expect(again).toEqual(said);
    expect(seen.sent).toBe(2);
  });

  it("marks what was sent and not answered as lost, with the most it can have cost, and asks it again", async () => {
    const store = await shared();
    await runIn(store, "run2");
    const never: Send = async (asked) => {
      await asked.beforeSend?.();
      return await new Promise<Completion>(() => undefined);
    };
    const first = await claimed(store, "run2", "one");
    void first.journal.around(never, KEY)(exchange({ labels: LABELS }));
    await expect.poll(async () => (await requestsOf(store.sql, "run2-1"))[0]?.state).toBe("sent");
    const { seen, send } = server();
    const second = await claimed(store, "run2", "two");
    const { asked } = await ask(second.journal.around(send, KEY));
    expect(asked.attempts).toEqual([
      {
        turn: 1,
        persona: "ada",
        purpose: "turn",
        model: "gpt-4.1-nano",
        attempt: 1,
        tier: "standard",
        problem: "lost",
        costBoundNanoUsd: 1000,
        mayBeBilled: true,
      },
    ]);
    expect(seen.sent).toBe(1);
    const third = await ask((await claimed(store, "run2", "three")).journal.around(send, KEY));
    expect(third.asked.attempts).toEqual(asked.attempts);
    expect(seen.sent).toBe(1);
  });

  it("keeps what failed for good, and fails the same way again", async () => {
    const store = await shared();
    await runIn(store, "run3");
    const failure = new ModelError("bad-request", "gpt-4.1-nano: no.", {
      model: "gpt-4.1-nano",
      status: 400,
      isRetryable: false,
      mayBeBilled: false,
    });
    const { seen, send } = server([failure]);
    await expect(ask((await claimed(store, "run3", "one")).journal.around(send, KEY))).rejects.toThrow(
      failure.message,
    );
    const again = ask((await claimed(store, "run3", "two")).journal.around(send, KEY));
    await expect(again).rejects.toMatchObject({ code: "bad-request", status: 400, message: failure.message });
    expect(seen.sent).toBe(1);
  });

  it("lets nothing be sent or stored for a lease that was lost", async () => {
    const store = await shared();
    await runIn(store, "run4");
    const { seen, send } = server();
    const first = (await claimed(store, "run4", "one")).journal.around(send, KEY);
    await claimed(store, "run4", "two");
    await expect(ask(first)).rejects.toMatchObject({ code: "lease-lost" });
    expect(seen.sent).toBe(0);
    expect(await requestsOf(store.sql, "run4-1")).toEqual([]);
  });

  it("holds the run's cap, and counts what takes the place of what was held", async () => {
    const store = await shared();
    await runIn(store, "run5", 1500);
    const { send, seen } = server();
    const { journal } = await claimed(store, "run5", "one");
    await ask(journal.around(send, KEY));
    expect(await funds(store, "run5")).toEqual({ spent: 700, held: 0 });
    await expect(ask(journal.around(send, KEY))).rejects.toMatchObject({ code: "budget" });
    expect(seen.sent).toBe(1);
    await store.sql.query("update dramatis.runs set max_cost_nano_usd = 3000 where id = 'run5'");
    const next = (await claimed(store, "run5", "two")).journal.around(send, KEY);
    await ask(next);
    await ask(next);
    expect(seen.sent).toBe(2);
    expect(await funds(store, "run5")).toEqual({ spent: 1400, held: 0 });
  });

  it("counts what a killed worker held: given back where nothing was sent, spent where it was", async () => {
    const store = await shared();
    await runIn(store, "run6", 10_000);
    const never =
      (isSent: boolean): Send =>
      async (asked) => {
        await asked.budget?.reserve(1000);
        asked.heldNanoUsd = 1000;
        if (isSent) await asked.beforeSend?.();
        return await new Promise<Completion>(() => undefined);
      };
    const { journal } = await claimed(store, "run6", "one");
    void journal.around(never(false), KEY)(exchange({ labels: LABELS }));
    void journal.around(never(true), KEY)(exchange({ labels: { ...LABELS, turn: 2 } }));
    const states = async () => (await requestsOf(store.sql, "run6-1")).map(({ state }) => state).sort();
    await expect.poll(states).toEqual(["held", "sent"]);
    expect(await funds(store, "run6")).toEqual({ spent: 0, held: 2000 });
    await claimed(store, "run6", "two");
    expect(await funds(store, "run6")).toEqual({ spent: 1000, held: 0 });
  });

  describe("where the rest of the cap is held by another conversation", () => {
    /** Two conversations of a run; the first holds money, and the second's waits are counted instead of waited out. */
    async function two(store: Store, id: string) {
      const conversations = ["1", "2"].map((name, position) => ({
        id: `${id}-${name}`,
        position,
        settings: { seed: 1 },
      }));
      await createRun(store.sql, {
        id,
        scenario: "exports",
        definition: {},
        maxCostNanoUsd: 1500,
        conversations,
      });
      const { journal: first } = await claimed(store, id, "one");
      const holding: Send = async (asked) => {
        await asked.budget?.reserve(1000);
        return await new Promise<Completion>(() => undefined);
      };
      void first.around(holding, KEY)(exchange({ labels: LABELS }));
      await expect.poll(() => funds(store, id)).toEqual({ spent: 0, held: 1000 });
      const holder = await claim(store.sql, { conversationId: `${id}-2`, lease: "two", worker: "two" });
      if (holder === undefined) throw new Error("expected a conversation to claim");
      return (wait: (ms: number) => Promise<void>) => openJournal({ sql: store.sql, holder, clock, wait });
    }

    it("waits for what it gives back", async () => {
      const store = await shared();
      const open = await two(store, "waits");
      let waits = 0;
      const journal = await open(async () => {
        waits += 1;
        if (waits === 3) await claimed(store, "waits", "again");
      });
      const { send, seen } = server();
      await ask(journal.around(send, KEY));
      expect({ waits, sent: seen.sent }).toEqual({ waits: 3, sent: 1 });
    });

    it("ends at the cap where nothing is given back in time, so that somebody is free to take the other over", async () => {
      const store = await shared();
      const open = await two(store, "gives-up");
      let waitedMs = 0;
      const journal = await open(async (ms) => {
        waitedMs += ms;
      });
      const { send, seen } = server();
      await expect(ask(journal.around(send, KEY))).rejects.toMatchObject({ code: "budget" });
      expect(waitedMs).toBe(15_000);
      expect(seen.sent).toBe(0);
      expect(await funds(store, "gives-up")).toEqual({ spent: 0, held: 1000 });
    });
  });

  it("keeps no key, wherever it was said", async () => {
    const store = await shared();
    await runIn(store, "run7");
    const { send } = server([completion(`The key is ${KEY}.`)]);
    const { journal } = await claimed(store, "run7", "one");
    const request = { ...exchange().request, messages: [{ role: "user" as const, content: `Use ${KEY}.` }] };
    await ask(journal.around(send, KEY), { request });
    const rows = await store.sql.query("select * from dramatis.requests where conversation_id = 'run7-1'");
    expect(rows).toHaveLength(1);
    expect(JSON.stringify(rows)).not.toContain("MARKED");
  });
});

describe("without a journal", () => {
  it("a conversation's requests are sent as ever", async () => {
    const { send, seen } = server();
    await ask(send);
    expect(seen.sent).toBe(1);
  });
});
