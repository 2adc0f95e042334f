/**
 * Holds the log of changes to what is served: memberships that come from the baseline and the log alone, as
 * a consumer of the feed would keep them, compared with every customer's row.
 *
 * The baseline is what the first calculation left. From there on every entry and exit comes from the log.
 * What the log does not tell is taken from what a tick left, right after it: the default of each segment,
 * which a customer first heard of starts with, and the members of a segment that was added or taken up
 * again in that tick, since the log tells an added segment's size and not its members. A changed rule or
 * default of a segment that stays is all in the log, and nothing of it is taken from what is served.
 *
 * Customers who were erased are left out of the comparison; neither what is served nor the log may hold
 * anything of them.
 *
 * Both are noted in a journal, a line a tick. A process that dies between a tick and its line finds what is
 * served ahead of the journal by exactly that tick, still untouched, and writes the line then.
 */
import { appendFileSync, existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ChangeLog } from '../../src/core/change/change-log.ts';
import type { Engine } from '../../src/core/engine/engine.ts';
import type { AsOf, SegmentEntry } from '../../src/model/membership.ts';
import { findInRow } from '../../src/model/row.ts';
import type { Store } from '../../src/store/store.ts';
import { MemberColumns } from './member-columns.ts';

export interface ReplayParts {
  readonly folder: string;
  readonly engine: Engine;
  readonly target: Store;
  readonly changes: ChangeLog;
}

/** Where the replay stands after a tick. */
interface Standing {
  /** Counts ticks from the baseline, which is 0. */
  readonly tick: number;
  readonly asOf: AsOf;
  /** The last of the log's positions that belongs to it or to one before. */
  readonly position: number;
  /** Every customer number known to it is lower. */
  readonly customerNoEnd: number;
  /** Active segments → default; in a line of the journal only those that were not active, or had another. */
  readonly defaults: readonly (readonly [number, boolean])[];
}

/** What a tick left that the log does not tell. */
interface JournalLine extends Standing {
  /** Segments that were not active before → their members. */
  readonly added: readonly (readonly [number, string])[];
  /** Segments that are not active any more. */
  readonly removed: readonly number[];
}

export interface ReplayReport {
  /** Changes of customers that were replayed since the last time. */
  readonly replayed: number;
  readonly compared: number;
  readonly mismatches: number;
  /** Of the first of them, what is served and all that led to what is not. */
  readonly examples: readonly ReplayMismatch[];
  /** Numbers of erased customers of whom something is left in what is served, or in the log. */
  readonly leftOfErased: readonly number[];
}

export interface ReplayMismatch {
  readonly segmentNo: number;
  readonly customerNo: number;
  readonly customer: string;
  readonly served: boolean;
  /** Entries (+) and exits (−) of the customer. */
  readonly log: readonly string[];
  /** What the journal since the last comparison says of the segment. */
  readonly journal: readonly string[];
}

const CHANGES_PER_READ = 20_000;
const CUSTOMERS_PER_READ = 10_000;
const EXAMPLES_MAX = 5;

export class Replay {
  readonly #parts: ReplayParts;
  readonly #journal: string;
  readonly #replica: string;
  #last: Standing | undefined;
  readonly #defaults = new Map<number, boolean>();

  /** Call before the first tick after a start: takes the baseline, or catches up with a tick that died. */
  static async open(parts: ReplayParts): Promise<Replay> {
    const replay = new Replay(parts);
    await replay.#resume();
    return replay;
  }

  private constructor(parts: ReplayParts) {
    this.#parts = parts;
    this.#journal = join(parts.folder, 'replay-journal');
    this.#replica = join(parts.folder, 'replay');
  }

  async #resume(): Promise<void> {
    if (!existsSync(this.#replica)) {
      const standing = await this.#standing(0);
      const segmentNos = standing.defaults.map(([segmentNo]) => segmentNo);
      const members = await this.#served(standing.customerNoEnd, segmentNos);
      writeFileSync(this.#journal, '');
      this.#save(members, standing);
    }
    const { standing } = this.#load();
    this.#note(standing);
    for (const line of this.#lines(standing.tick)) this.#note(line);
    await this.follow();
  }

  /** Notes what a tick left; call after every tick, before anything else changes. */
  async follow(): Promise<void> {
    const last = this.#last!;
    const now = await this.#standing(last.tick + 1);
    if (JSON.stringify(now.asOf) === JSON.stringify(last.asOf)) return;
    const active = new Set(now.defaults.map(([segmentNo]) => segmentNo));
    const addedNos = [...active].filter((segmentNo) => !this.#defaults.has(segmentNo));
    const members = addedNos.length > 0 ? await this.#served(now.customerNoEnd, addedNos) : undefined;
    const line: JournalLine = {
      ...now,
      defaults: now.defaults.filter(([segmentNo, isDefault]) => this.#defaults.get(segmentNo) !== isDefault),
      added: addedNos.map((segmentNo) => [segmentNo, members!.text(segmentNo)]),
      removed: [...this.#defaults.keys()].filter((segmentNo) => !active.has(segmentNo)),
    };
    appendFileSync(this.#journal, `${JSON.stringify(line)}\n`);
    this.#note(line);
  }

  /** Replays what came since the last time, compares everything with what is served, and keeps the state. */
  async compare(): Promise<ReplayReport> {
    const { members, standing } = this.#load();
    const defaults = new Map(standing.defaults);
    let last = standing;
    let replayed = 0;
    const lines = [...this.#lines(standing.tick)];
    for (const line of lines) {
      for (const [segmentNo, isDefault] of defaults) {
        if (isDefault) members.setRange(segmentNo, last.customerNoEnd, line.customerNoEnd);
      }
      replayed += await this.#apply(members, last.position, line.position);
      for (const [segmentNo, isDefault] of line.defaults) defaults.set(segmentNo, isDefault);
      for (const segmentNo of line.removed) {
        members.remove(segmentNo);
        defaults.delete(segmentNo);
      }
      for (const [segmentNo, text] of line.added) members.put(segmentNo, text);
      last = line;
    }
    const { customerNoEnd } = last;
    const served = await this.#served(customerNoEnd, [...defaults.keys()]);
    const erased = await this.#erased(last.asOf.batchNo);
    members.forget(erased);
    served.forget(erased);
    const known = await this.#knownCustomers(last.asOf.batchNo);
    let mismatches = 0;
    const examples: ReplayMismatch[] = [];
    for (const segmentNo of defaults.keys()) {
      const differences = members.differences(served, segmentNo, known);
      mismatches += differences;
      if (differences === 0 || examples.length >= EXAMPLES_MAX) continue;
      for (const customerNo of members.differing(served, segmentNo, known, EXAMPLES_MAX - examples.length))
        examples.push(await this.#example(segmentNo, customerNo, served, lines));
    }
    const leftOfErased = await this.#leftOf(erased);
    const { tick, asOf, position } = last;
    this.#save(members, { tick, asOf, position, customerNoEnd, defaults: [...defaults] });
    writeFileSync(this.#journal, '');
    return { replayed, compared: defaults.size * customerNoEnd, mismatches, examples, leftOfErased };
  }

  async #erased(batchNo: number): Promise<number[]> {
    return (await this.#parts.engine.erasures(0, batchNo)).map(({ customerNo }) => customerNo);
  }

  async #leftOf(erased: readonly number[]): Promise<number[]> {
    const { target, changes } = this.#parts;
    const rows = await target.rows(Uint32Array.from(erased));
    const left: number[] = [];
    for (const [i, customerNo] of erased.entries()) {
      if (rows[i] !== undefined || (await changes.ofCustomer(customerNo)).length > 0) left.push(customerNo);
    }
    return left;
  }

  async #example(
    segmentNo: number,
    customerNo: number,
    served: MemberColumns,
    lines: readonly JournalLine[],
  ): Promise<ReplayMismatch> {
    const { engine, changes } = this.#parts;
    const [customer] = await engine.customerIds(Uint32Array.of(customerNo));
    const log = (await changes.ofCustomer(customerNo)).flatMap(
      ({ position, at, batchNo, entered, exited }) => {
        const sign = entered.includes(segmentNo) ? '+' : exited.includes(segmentNo) ? '-' : undefined;
        return sign === undefined ? [] : [`${sign} at ${at}, batch ${batchNo}, position ${position}`];
      },
    );
    const journal = lines.flatMap(({ tick, asOf, position, defaults, added, removed }) => {
      const said = [
        ...defaults.filter(([no]) => no === segmentNo).map(([, isDefault]) => `default ${isDefault}`),
        ...added.filter(([no]) => no === segmentNo).map(() => 'added'),
        ...removed.filter((no) => no === segmentNo).map(() => 'removed'),
      ];
      const where = `tick ${tick}, position ${position}, ${JSON.stringify(asOf)}`;
      return said.length === 0 ? [] : [`${said.join(', ')}: ${where}`];
    });
    return {
      segmentNo,
      customerNo,
      customer: customer ?? '',
      served: served.has(segmentNo, customerNo),
      log,
      journal,
    };
  }

  async #apply(members: MemberColumns, after: number, upTo: number): Promise<number> {
    let position = after;
    let replayed = 0;
    while (position < upTo) {
      const changes = await this.#parts.changes.read(position, Math.min(CHANGES_PER_READ, upTo - position));
      if (changes.length === 0) break;
      for (const { customerNo, entered, exited } of changes) {
        for (const segmentNo of entered) members.set(segmentNo, customerNo, true);
        for (const segmentNo of exited) members.set(segmentNo, customerNo, false);
      }
      replayed += changes.length;
      position = changes.at(-1)!.position;
    }
    return replayed;
  }

  /** A bit for each: a number that nobody has is in no segment, whatever its default. */
  async #knownCustomers(batchNo: number): Promise<Uint32Array> {
    const known = new Uint32Array((this.#last!.customerNoEnd + 31) >>> 5);
    for await (const { customerNos } of this.#parts.engine.customers(batchNo))
      for (const customerNo of customerNos) known[customerNo >>> 5]! |= 1 << (customerNo & 31);
    return known;
  }

  /** Members as served, of these segments: exceptions in rows, and defaults for everybody else. */
  async #served(customerNoEnd: number, segmentNos: readonly number[]): Promise<MemberColumns> {
    const { target } = this.#parts;
    const { directory } = target.view()!;
    const members = new MemberColumns();
    const asked = new Set(segmentNos);
    const entries = directory.entries.filter((entry) => isActive(entry) && asked.has(entry.segmentNo));
    for (const { segmentNo, defaultMember } of entries) {
      if (defaultMember) members.setRange(segmentNo, 0, customerNoEnd);
    }
    const wanted = Uint32Array.from(entries, ({ segmentNo }) => segmentNo);
    const found = new Uint8Array(wanted.length);
    for (let from = 0; from < customerNoEnd; from += CUSTOMERS_PER_READ) {
      const length = Math.min(CUSTOMERS_PER_READ, customerNoEnd - from);
      const rows = await target.rows(Uint32Array.from({ length }, (_, i) => from + i));
      for (const [i, row] of rows.entries()) {
        if (row === undefined) continue;
        findInRow(row, wanted, found);
        for (let at = found.indexOf(1); at >= 0; at = found.indexOf(1, at + 1))
          members.set(wanted[at]!, from + i, !entries[at]!.defaultMember);
      }
    }
    return members;
  }

  /** Where what is served stands now. */
  async #standing(tick: number): Promise<Standing> {
    const { target, engine, changes } = this.#parts;
    const { asOf, directory } = target.view()!;
    return {
      tick,
      asOf,
      position: changes.position,
      customerNoEnd: await engine.customerNoEnd(),
      defaults: directory.entries
        .filter(isActive)
        .map(({ segmentNo, defaultMember }) => [segmentNo, defaultMember] as const),
    };
  }

  #note(standing: Standing & { readonly removed?: readonly number[] }): void {
    this.#last = standing;
    for (const segmentNo of standing.removed ?? []) this.#defaults.delete(segmentNo);
    for (const [segmentNo, isDefault] of standing.defaults) this.#defaults.set(segmentNo, isDefault);
  }

  /** Whole lines of later ticks; one that a kill cut short was never written. */
  *#lines(after: number): Generator<JournalLine> {
    const text = readFileSync(this.#journal, 'utf8');
    const whole = text.slice(0, text.lastIndexOf('\n') + 1);
    if (whole.length < text.length) writeFileSync(this.#journal, whole);
    for (const written of whole.split('\n')) {
      const line = written === '' ? undefined : (JSON.parse(written) as JournalLine);
      if (line !== undefined && line.tick > after) yield line;
    }
  }

  #load(): { readonly members: MemberColumns; readonly standing: Standing } {
    const bytes = readFileSync(this.#replica);
    const end = bytes.indexOf('\n');
    const standing = JSON.parse(bytes.toString('utf8', 0, end)) as Standing;
    return { members: MemberColumns.decode(bytes.subarray(end + 1)), standing };
  }

  /** The new state, or the old one, whole. */
  #save(members: MemberColumns, standing: Standing): void {
    const head = Buffer.from(`${JSON.stringify(standing)}\n`);
    writeFileSync(`${this.#replica}.new`, Buffer.concat([head, members.encode()]));
    renameSync(`${this.#replica}.new`, this.#replica);
  }
}

function isActive({ status }: SegmentEntry): boolean {
  return status === 'active';
}
