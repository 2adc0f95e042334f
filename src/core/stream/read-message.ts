/** Rows of a message's body: one JSON object, a list of them, or NDJSON. */
import { FACT_REASON } from '../../model/fact-reason.ts';
import { UnreadableRow } from '../ingest/row-tally.ts';

const decoder = new TextDecoder('utf-8', { fatal: true });

/** @returns Rows as `addRow` takes them, and an {@link UnreadableRow} for what is no JSON. */
export function readMessage(body: Uint8Array): readonly unknown[] {
  let text: string;
  try {
    text = decoder.decode(body);
  } catch {
    return [new UnreadableRow('not UTF-8')];
  }
  const whole = parse(text);
  if (Array.isArray(whole)) return whole;
  if (!(whole instanceof UnreadableRow)) return [whole];
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  return lines.length > 1 ? lines.map(parse) : [whole];
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return new UnreadableRow(FACT_REASON.notObject);
  }
}
