// From the value of a cell to what the encoder of its column takes. What a column cannot hold is refused.

/** A row that cannot be predicted; `column` is the name of the column that is at fault, or empty. */
export class RowError extends Error {
  constructor(column, message) {
    super(column === "" ? message : `column '${column}' ${message}`);
    this.name = "RowError";
    this.column = column;
  }
}

const NEEDED = {
  number: "a number",
  boolean: "yes or no (also true, false, 1, 0)",
  datetime: "a Date, or a date such as 2020-01-31 or 2020-01-31T16:30Z",
  words: "a word, a number, true or false",
};

/** Returns what a message shows of a value of any kind; some objects cannot be turned into text. */
export function describeValue(value) {
  if (typeof value === "string") return `'${value.slice(0, 60)}'`;
  try {
    return String(value).slice(0, 60);
  } catch {
    return `of type ${typeof value}`;
  }
}

export function refuse(column, cell) {
  throw new RowError(column.name, `is ${describeValue(cell)}; needs ${NEEDED[column.kind]}, or null where it is missing`);
}

/** Returns a number (NaN where missing), a moment or a word (null where missing), as the kind of the column has it. */
export function readCell(column, cell) {
  if (typeof cell === "number" && Number.isNaN(cell)) cell = null;
  if (typeof cell === "string") {
    cell = trim(cell.normalize("NFC"));
    if (column.missing.includes(cell)) cell = null;
  }
  if (column.kind === "number" || column.kind === "boolean") return readNumber(column, cell);
  if (cell === null) return null;
  return column.kind === "datetime" ? readMoment(column, cell) : readWord(column, cell);
}

// What Python takes for space around a word.
const SPACE = /^[\t-\r\x1c- \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]$/;

/** Removes space around a word; a regular expression for all of it would take very long for spaces in its middle. */
function trim(word) {
  let begin = 0, end = word.length;
  while (begin < end && SPACE.test(word[begin])) begin++;
  while (end > begin && SPACE.test(word[end - 1])) end--;
  return word.slice(begin, end);
}

const BOOLEANS = new Map([["true", 1], ["false", 0], ["yes", 1], ["no", 0], ["1", 1], ["0", 0], ["1.0", 1], ["0.0", 0]]);

/** Returns 1 for a word that means yes and 0 for one that means no; undefined for others. */
export function parseBoolean(word) {
  return BOOLEANS.get(word.toLowerCase());
}

function readNumber(column, cell) {
  if (cell === null) return NaN;
  let value = typeof cell === "bigint" ? Number(cell) : cell;
  if (typeof cell === "string") {
    value = column.kind === "boolean" ? parseBoolean(cell) : parseNumber(cell, column);
    if (value === undefined && /^(?:true|false)$/i.test(cell)) value = parseBoolean(cell);
  } else if (typeof value === "number" && column.gaps.includes(value)) return NaN;
  value = typeof value === "boolean" ? Number(value) : value;
  if (typeof value !== "number" || Math.abs(value) === Infinity) refuse(column, cell);
  if (column.kind === "boolean" && value !== 0 && value !== 1) refuse(column, cell);
  return value;
}

const PLAIN = /^[+-]?(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[+-]?[0-9]+)?|inf|infinity|nan)$/i;

/** Returns the number that a word in plain notation stands for; undefined if it is none. */
export function parsePlain(word) {
  if (!PLAIN.test(word)) return undefined;
  if (!/[in]/i.test(word)) return Number(word);
  return /a/i.test(word) ? NaN : Infinity;
}

const SPACES = "[ \\u00a0\\u2007\\u2009\\u202f]";
const GROUP_MARKS = { ".": "\\.", ",": ",", " ": SPACES, "'": "['\\u2019]" };

const LONGEST_NUMBER = 500; // characters; the expressions below take long for many spaces

/** Returns the number that a word stands for where its column has these marks and this unit; undefined if it is none. */
function parseNumber(word, { decimal, thousands, unit, isAccounting }) {
  if (word.length > LONGEST_NUMBER) return undefined;
  if (decimal === "." && unit !== "%") {
    const value = parsePlain(word);
    if (value !== undefined) return value;
  }
  const [, open, sign, inner, close] = /^(\()?\s*([+\-\u2212])?\s*(.*?)\s*(\))?$/su.exec(word);
  if ((open === undefined) !== (close === undefined) || (open && (!isAccounting || sign))) return undefined;
  let digits = inner;
  if (unit !== "") {
    if (digits.startsWith(unit)) digits = digits.slice(unit.length).trimStart();
    else if (digits.endsWith(unit)) digits = digits.slice(0, -unit.length).trimEnd();
    else if (unit === "%") return undefined;
  }
  const mark = decimal === "." ? "\\." : ",";
  const parts = new RegExp(`^(.*?)(?:${mark}([0-9]*))?(e[+-]?[0-9]+)?$`, "iu").exec(digits);
  if (parts === null) return undefined;
  const [, whole, fraction = "", exponent = ""] = parts;
  const joined = joinGroups(whole, thousands);
  if (joined === undefined || joined + fraction === "") return undefined;
  const value = Number(`${joined || "0"}.${fraction || "0"}${exponent}`);
  return open || (sign && sign !== "+") ? -value : value;
}

/** Returns the digits of a whole number whose groups are separated by a mark; undefined if they are not. */
function joinGroups(whole, mark) {
  if (/^[0-9]*$/.test(whole)) return whole;
  if (mark === "") return undefined;
  const of = GROUP_MARKS[mark];
  const grouped = new RegExp(`^[0-9]{1,3}(?:${of}[0-9]{3})+$`, "u").test(whole);
  const inLakhs = mark === "," && /^[0-9]{1,2}(?:,[0-9]{2})*,[0-9]{3}$/.test(whole);
  return grouped || inLakhs ? whole.replace(/[^0-9]/gu, "") : undefined;
}

function readWord(column, cell) {
  if (typeof cell === "string") return cell;
  if (typeof cell === "bigint" || typeof cell === "boolean") return String(cell);
  if (typeof cell !== "number") refuse(column, cell);
  return writeNumber(cell);
}

/** Writes a number as the word that training has of it: whole numbers in digits, others as Python writes them. */
export function writeNumber(value) {
  if (Number.isInteger(value) && Math.abs(value) < 2 ** 53) return String(value === 0 ? 0 : value);
  if (!Number.isFinite(value)) return value < 0 ? "-inf" : "inf";
  const [digits, power] = value.toExponential().split("e");
  const exponent = Number(power);
  if (exponent >= -4 && exponent < 16) {
    const places = Math.max(0, digits.replace(/[^0-9]/g, "").length - 1 - exponent);
    return value.toFixed(Math.min(places, 100)) + (places === 0 ? ".0" : "");
  }
  return `${digits}e${exponent < 0 ? "-" : "+"}${String(Math.abs(exponent)).padStart(2, "0")}`;
}

const DATE = /^(?:(\d{4})([-/.])(\d\d?)\2(\d\d?)|(\d\d?)([-/.])(\d\d?)\6(\d{4})|((?:19|20)\d\d)([01]\d)([0-3]\d))/;
const TIME = /^(?:[T ]|, ?)(\d\d?):([0-5]\d)(?::([0-5]\d)(?:[.,](\d{1,9}))?)?(?: ?(?:(Z|UTC|GMT)|([+-])([0-2]\d)(?::?([0-5]\d))?))?$/i;
const MICROSECONDS_OF_DAY = 86_400_000_000;

/** Returns a date as days since 1970 and microseconds of the day, both in UTC. */
function readMoment(column, cell) {
  if (cell instanceof Date && !Number.isNaN(cell.getTime())) {
    const days = Math.floor(cell.getTime() / 86_400_000);
    return { days, microseconds: (cell.getTime() - days * 86_400_000) * 1000 };
  }
  // Numbers such as 20200131 are dates, too.
  const isCompact = typeof cell === "number" && cell >= 19000101 && cell <= 20991231;
  const word = isCompact ? String(cell) : cell;
  const found = typeof word === "string" ? DATE.exec(word) : null;
  const days = found === null ? undefined : countDays(column, found);
  if (days === undefined) refuse(column, cell);
  const rest = word.slice(found[0].length);
  return addTime(days, rest === "" ? 0 : parseTime(rest) ?? refuse(column, cell));
}

function countDays(column, [, year, , month, day, first, separator, second, last, ...compact]) {
  let date = [year, month, day];
  if (first !== undefined) {
    const dayFirst = separator === "." || (column.dayFirst ?? isDayFirst(Number(first), Number(second)));
    if (dayFirst === undefined) return undefined;
    date = dayFirst ? [last, second, first] : [last, first, second];
  } else if (year === undefined) date = compact;
  const [y, m, d] = date.map(Number);
  const moment = new Date(0);
  moment.setUTCFullYear(y, m - 1, d);
  const exists = y > 0 && moment.getUTCMonth() === m - 1 && moment.getUTCDate() === d;
  return exists ? moment.getTime() / 86_400_000 : undefined;
}

/** Tells which of two numbers is the day, if one cannot be the month. */
function isDayFirst(first, second) {
  if (first > 12) return true;
  return second > 12 ? false : undefined;
}

/** Returns the microseconds from midnight, in UTC; undefined for what is no time. */
function parseTime(text) {
  const found = TIME.exec(text);
  if (found === null) return undefined;
  const [, hour, minute, second = "0", fraction = "0", , sign, hours = "0", minutes = "0"] = found;
  const seconds = 60 * (60 * Number(hour) + Number(minute)) + Number(second);
  if (seconds > 86_400 || (Number(hour) === 24 && seconds !== 86_400)) return undefined;
  const ahead = 60 * (60 * Number(hours) + Number(minutes)) * (sign === "-" ? -1 : 1);
  return (seconds - ahead) * 1_000_000 + Number(fraction.slice(0, 6).padEnd(6, "0"));
}

function addTime(days, microseconds) {
  const over = Math.floor(microseconds / MICROSECONDS_OF_DAY);
  return { days: days + over, microseconds: microseconds - over * MICROSECONDS_OF_DAY };
}
