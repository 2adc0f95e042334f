/** Files of rows that were set aside: CSV of line, reason, and the row, for people to read and mend. */

export const REJECTS_HEADER = 'line,reason,row\n';

/** One row of CSV with its line end. */
export function csvRow(values: readonly (string | number)[]): string {
  return `${values.map(csvField).join(',')}\n`;
}

/** Quoted where it must be. A spreadsheet would run a text that begins like a formula: that one is disarmed. */
function csvField(value: string | number): string {
  if (typeof value === 'number') return String(value);
  const text = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
