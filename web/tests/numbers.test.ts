import assert from "node:assert/strict";
import { test } from "node:test";
import { countOf, writeBytes, writeNumber, writePercent, writeSentence, writeShort, writeTiny } from "../src/ui/numbers.ts";

test("numbers keep about four digits that count", () => {
  assert.deepEqual(
    [0, 0.5, 0.01234, 0.00012346, 12.3456, 999.96, 123456, 1.5e8, 4.2e-7, -0.25].map((value) => writeNumber(value)),
    ["0", "0.5000", "0.01234", "0.0001235", "12.35", "1000.0", "123,456", "1.50e8", "4.20e−7", "−0.2500"],
  );
});

test("what is no number is still written", () => {
  assert.deepEqual(
    [null, Number.NaN, Infinity, -Infinity].map((value) => writeNumber(value)),
    ["–", "–", "∞", "−∞"],
  );
});

test("settings are short", () => {
  assert.deepEqual([0, 0.001, 0.00003, 32, 0.0031623].map(writeShort), ["0", "0.001", "3e-5", "32", "0.00316"]);
});

test("numbers in marks have at most five characters", () => {
  assert.deepEqual(
    [0, 0.0087, -0.0087, 0.456, -0.999, 1.24, -9.96, 37.3, -1234, 2.4e5, -3e-9, NaN].map(writeTiny),
    ["0", "0.01", "−0.01", "0.46", "−1.0", "1.2", "−10", "37", "−1234", "2e5", "0", "–"],
  );
});

test("counts and shares", () => {
  assert.deepEqual([countOf(1, "row"), countOf(1200, "row")], ["1 row", "1,200 rows"]);
  assert.deepEqual([0, 0.034, 0.5, 0.997, 1].map(writePercent), ["0 %", "3.4 %", "50 %", "99.7 %", "100 %"]);
  assert.deepEqual([1e-6, 0.99999].map(writePercent), ["< 0.1 %", "> 99.9 %"]);
});

test("sizes of files have a unit", () => {
  assert.deepEqual(
    [0, 512, 1536, 64 * 2 ** 20, 2 ** 31, 3.27 * 2 ** 40].map(writeBytes),
    ["0 bytes", "512 bytes", "1.5 KiB", "64 MiB", "2 GiB", "3.3 TiB"],
  );
});

test("words become a sentence", () => {
  assert.deepEqual(["paused", "All is done.", ""].map(writeSentence), ["Paused.", "All is done.", ""]);
});
