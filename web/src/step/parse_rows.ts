/** The most rows of one traced step that are typed in. */
export const MOST_ROWS = 64;

/** Read numbers of rows such as "17, 130" or "1-20"; returns them, or what is wrong. */
export function parseRows(text: string, total: number): readonly number[] | string {
  const rows: number[] = [];
  for (const part of text.split(/[\s,;]+/).filter((piece) => piece !== "")) {
    const match = /^(\d+)(?:[-–](\d+))?$/.exec(part);
    if (!match) return `"${part}" is not a row number; write numbers such as 17, 130 or 1-20.`;
    const first = Number(match[1]);
    const last = Number(match[2] ?? match[1]);
    if (first < 1 || last > total || first > last) return `The table has rows 1 to ${total}; got ${part}.`;
    for (let row = first; row <= last && rows.length <= MOST_ROWS; row++) if (!rows.includes(row)) rows.push(row);
  }
  return rows.length > MOST_ROWS ? `At most ${MOST_ROWS} rows can be taken apart at once.` : rows;
}
