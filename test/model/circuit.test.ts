import { describe, expect, it } from "vitest";
import { createCircuit } from "../../src/model/circuit.ts";

const SETTINGS = { threshold: 3, openMs: 1000, maxOpenMs: 3000 };

function opened() {
  const circuit = createCircuit(SETTINGS);
  for (let i = 0; i < 3; i++) circuit.failed(0);
  return circuit;
}

describe("a circuit", () => {
  it("opens after failures in a row, and not after as many with a success between", () => {
    const circuit = createCircuit(SETTINGS);
    circuit.failed(0);
    circuit.failed(0);
    circuit.succeeded();
    circuit.failed(0);
    circuit.failed(0);
    expect([circuit.isOpen, circuit.admit(0)]).toEqual([false, 0]);
    circuit.failed(0);
    expect([circuit.isOpen, circuit.admit(0)]).toEqual([true, 1000]);
  });

  it("lets one alone try after the pause, and all when it succeeds", () => {
    const circuit = opened();
    expect(circuit.admit(400)).toBe(600);
    expect(circuit.admit(1000)).toBe(0);
    expect(circuit.admit(1000)).toBeGreaterThan(0);
    circuit.succeeded();
    expect([circuit.isOpen, circuit.admit(1001), circuit.admit(1001)]).toEqual([false, 0, 0]);
  });

  it("stays open no longer than its pause because the clock was set back", () => {
    const circuit = opened();
    expect(circuit.admit(-3_600_000)).toBe(1000);
    expect(circuit.admit(-3_600_000 + 400)).toBe(600);
    expect(circuit.admit(-3_600_000 + 1000)).toBe(0);
  });

  it("stays open longer every time the probe fails, up to a limit", () => {
    const circuit = opened();
    const pauses: number[] = [];
    for (let now = 1000, probe = 0; probe < 4; probe++) {
      expect(circuit.admit(now)).toBe(0);
      circuit.failed(now);
      const pause = circuit.admit(now);
      pauses.push(pause);
      now += pause;
    }
    expect(pauses).toEqual([2000, 3000, 3000, 3000]);
  });

  it("is not kept open longer by those that were under way when it opened", () => {
    const circuit = opened();
    circuit.failed(900);
    circuit.failed(950);
    expect(circuit.admit(1000)).toBe(0);
  });

  it("lets the next one try when a probe says nothing about the server", () => {
    const circuit = opened();
    expect(circuit.admit(1000)).toBe(0);
    circuit.unknown();
    expect(circuit.admit(1000)).toBe(0);
    expect(circuit.isOpen).toBe(true);
  });
});
