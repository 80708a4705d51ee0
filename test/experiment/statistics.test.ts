/** Statistics against published figures. */
import { describe, expect, it } from "vitest";
import { estimate, gini, studentT } from "../../src/experiment/statistics.ts";

describe("Student's t", () => {
  // NIST/SEMATECH e-Handbook of Statistical Methods, 1.3.6.7.2, column 0.975.
  it.each([
    [1, 12.706],
    [2, 4.303],
    [3, 3.182],
    [4, 2.776],
    [5, 2.571],
    [6, 2.447],
    [9, 2.262],
    [10, 2.228],
    [19, 2.093],
    [29, 2.045],
    [30, 2.042],
    [60, 2.0],
    [99, 1.984],
    [100, 1.984],
  ])("for %i degrees of freedom is the table's %f", (degrees, table) => {
    expect(studentT(degrees)).toBeCloseTo(table, 3);
  });

  it("becomes the normal distribution's for very many", () => {
    expect(studentT(100_000)).toBeCloseTo(1.959964, 4);
    expect(studentT(5_000_000)).toBeCloseTo(1.959964, 4);
  });
});

describe("a mean with its interval", () => {
  it("is that of Student's sleep data (1908), as R's t.test gives it", () => {
    const { n, mean, low, high } = estimate([1.2, 2.4, 1.3, 1.3, 0, 1, 1.8, 0.8, 4.6, 1.4]);
    expect(n).toBe(10);
    expect(mean).toBeCloseTo(1.58, 10);
    expect(low).toBeCloseTo(0.7001142, 6);
    expect(high).toBeCloseTo(2.4598858, 6);
  });

  it("leaves out what is unknown, instead of taking it for 0", () => {
    expect(estimate([4, undefined, 4])).toEqual({ n: 2, mean: 4, low: 4, high: 4 });
  });

  it("has no interval for one value, and no mean for none", () => {
    expect(estimate([7])).toEqual({ n: 1, mean: 7, low: undefined, high: undefined });
    expect(estimate([undefined])).toEqual({ n: 0, mean: undefined, low: undefined, high: undefined });
  });
});

describe("Gini's coefficient", () => {
  it.each([
    [[5, 5, 5], 0],
    [[1, 2, 3, 4], 0.25],
    [[4, 2, 3, 1], 0.25],
    [[0, 0, 0, 8], 0.75],
    [[3], 0],
  ])("of %j is %f", (amounts, expected) => {
    expect(gini(amounts)).toBeCloseTo(expected, 12);
  });

  it("is unknown where there is nothing to share", () => {
    expect(gini([0, 0])).toBeUndefined();
    expect(gini([])).toBeUndefined();
  });
});
