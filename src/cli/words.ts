/** Numbers, times and tables as people read them on a terminal. */
/** 1234567 → `1,234,567`. */
export function formatCount(count: number): string {
  return Math.round(count).toLocaleString('en-US');
}

/** A count with its noun: `1 row`, `2 rows`. The plural is the singular with an s unless given. */
export function countOf(count: number, singular: string, plural = `${singular}s`): string {
  return `${formatCount(count)} ${count === 1 ? singular : plural}`;
}

/** 12_345_678 → `12.3 M`: three digits for bars and rates. */
export function formatRough(count: number): string {
  for (const [limit, unit] of [
    [1e9, 'G'],
    [1e6, 'M'],
    [1e4, 'k'],
  ] as const) {
    if (count >= limit) {
      const scaled = count / (unit === 'k' ? 1e3 : limit);
      return `${scaled.toFixed(scaled < 10 ? 2 : scaled < 100 ? 1 : 0)} ${unit}`;
    }
  }
  return formatCount(count);
}

/** Seconds as `0.42 s`, `12 s`, `3 min 05 s`, `2 h 10 min`. */
export function formatSeconds(seconds: number): string {
  if (seconds < 10) return `${seconds.toFixed(2)} s`;
  if (seconds < 60) return `${Math.round(seconds)} s`;
  const whole = Math.round(seconds);
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, '0')} s`;
  return `${Math.floor(whole / 3600)} h ${String(Math.floor((whole % 3600) / 60)).padStart(2, '0')} min`;
}

/** An age in its two largest units: 98751 → `1 day 3 hours`. */
export function formatAge(seconds: number): string {
  let rest = Math.max(0, Math.floor(seconds));
  const parts: string[] = [];
  for (const [unit, size] of [
    ['day', 86_400],
    ['hour', 3600],
    ['minute', 60],
    ['second', 1],
  ] as const) {
    const count = Math.floor(rest / size);
    rest %= size;
    if (count > 0) parts.push(countOf(count, unit));
    // The second unit is the next one, or none: 2 days, not 2 days 5 seconds.
    else if (parts.length > 0) break;
    if (parts.length === 2) break;
  }
  return parts.length === 0 ? '0 seconds' : parts.join(' ');
}

/** A share of a whole as `12.3 %`; `-` of nothing. */
export function formatShare(part: number, whole: number): string {
  return whole === 0 ? '-' : `${((100 * part) / whole).toFixed(1)} %`;
}

/** Bytes as `12.3 MiB`. */
export function formatBytes(bytes: number): string {
  let scaled = bytes;
  for (const unit of ['B', 'KiB', 'MiB', 'GiB']) {
    if (scaled < 1024)
      return `${scaled < 10 && unit !== 'B' ? scaled.toFixed(1) : Math.round(scaled)} ${unit}`;
    scaled /= 1024;
  }
  return `${scaled.toFixed(1)} TiB`;
}

export interface Column<Row> {
  readonly title: string;
  readonly value: (row: Row) => string | number;
}

/**
 * Lays out a table: numbers to the right, text to the left, two spaces between columns, no lines.
 * Control characters in values are made visible, so that data cannot move the cursor.
 *
 * @returns Lines without line ends; only the titles when there are no rows.
 */
export function layOutTable<Row>(rows: readonly Row[], columns: readonly Column<Row>[]): string[] {
  const cells = rows.map((row) =>
    columns.map(({ value }) => {
      const cell = value(row);
      return typeof cell === 'number' ? formatCount(cell) : visible(cell);
    }),
  );
  const right = columns.map(
    ({ value }) => rows.length > 0 && rows.every((row) => typeof value(row) === 'number'),
  );
  const widths = columns.map(({ title }, index) =>
    cells.reduce((width, row) => Math.max(width, [...row[index]!].length), title.length),
  );
  const line = (texts: readonly string[]) =>
    texts
      .map((text, index) => {
        const gap = ' '.repeat(widths[index]! - [...text].length);
        return right[index] ? gap + text : text + gap;
      })
      .join('  ')
      .trimEnd();
  return [line(columns.map(({ title }) => title)), ...cells.map(line)];
}

/** Text with control characters written as escapes. */
export function visible(text: string): string {
  return text.replace(
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
    /[\u0000-\u001f\u007f-\u009f]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
