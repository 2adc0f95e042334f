/** What became of a file of facts, in lines for people. */
import type { ImportReport } from '../core/engine/engine.ts';
import type { SendReport } from './send-facts.ts';
import { countOf, formatCount, formatRough, formatSeconds, visible } from './words.ts';

/** Of rows that were sent to a server, or taken in by a plug-in. */
export function sentLines(
  source: string,
  file: string,
  url: string | undefined,
  report: SendReport,
): readonly string[] {
  const rate = report.seconds > 0 ? `, ${formatRough(report.rows / report.seconds)} rows/s` : '';
  const lines = [
    `${file}: ${countOf(report.rows, 'row')} of ${source}${url === undefined ? '' : ` sent to ${url}`} in ${formatSeconds(report.seconds)}${rate}`,
    `  accepted   ${formatCount(report.accepted)}`,
    ...unusualCounts(report),
  ];
  if (report.unchanged !== undefined) lines.push(`  unchanged  ${formatCount(report.unchanged)}`);
  lines.push(...listCounts(report.unknown, report.delisted));
  for (const { model, version } of report.activated ?? []) {
    lines.push(`  in force   ${visible(model)} ${visible(version)}`);
  }
  if (report.rejected > 0) {
    lines.push(setAsideLine(report));
    for (const [reason, rows] of Object.entries(report.reasons)) {
      const first = report.rejects.find((reject) => reject.reason === reason);
      const where = first === undefined ? '' : `, first in line ${first.line}`;
      lines.push(`    ${formatCount(rows)}  ${reason}${where}`);
    }
    if (url !== undefined && report.rejectsFile === undefined) {
      lines.push('  to have these rows in a file, import it again with --rejects <file>');
    }
  }
  lines.push(...warningLines(report));
  return lines;
}

/** Of a file that was imported into the data folder. */
export function importLines(source: string, file: string, report: ImportReport): readonly string[] {
  const rate = report.seconds > 0 ? `, ${formatRough(report.rows / report.seconds)} rows/s` : '';
  const lines = [
    `${file}: ${countOf(report.rows, 'row')} of ${source} in ${formatSeconds(report.seconds)}${rate}`,
    `  added      ${formatCount(report.added)}`,
    `  replaced   ${formatCount(report.replaced)}`,
    `  unchanged  ${formatCount(report.unchanged)}`,
    ...unusualCounts(report),
  ];
  if (source === 'lists') lines.push(...listCounts(report.newCustomers, report.delisted));
  if (report.rejected > 0) {
    lines.push(setAsideLine(report));
    for (const [reason, rows] of Object.entries(report.reasons))
      lines.push(`    ${formatCount(rows)}  ${reason}`);
  }
  lines.push(...warningLines(report));
  return lines;
}

function setAsideLine({ rejected, rejectsFile }: Pick<ImportReport, 'rejected' | 'rejectsFile'>): string {
  return `  set aside  ${formatCount(rejected)}${rejectsFile ? `, in ${rejectsFile}` : ''}`;
}

function listCounts(unknown: number | undefined, delisted: number | undefined): string[] {
  return [
    ...(unknown ? [`  unknown    ${countOf(unknown, 'customer')} never heard of before`] : []),
    ...(delisted ? [`  taken off  ${countOf(delisted, 'customer')} not in the file`] : []),
  ];
}

function unusualCounts({ erased, moved }: Pick<ImportReport, 'erased' | 'moved'>): string[] {
  return [
    ...(erased ? [`  dropped    ${formatCount(erased)}, about customers who were forgotten`] : []),
    ...(moved ? [`  moved      ${formatCount(moved)}, from another customer`] : []),
  ];
}

function warningLines({ warnings }: Pick<ImportReport, 'warnings'>): string[] {
  return Object.entries(warnings).map(
    ([warning, rows]) => `  warning    ${countOf(rows, 'row')}: ${warning}`,
  );
}
