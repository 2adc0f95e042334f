/**
 * A plug-in's source as the rest of Coterie sees it: rows are held to its schema and to what holds of events,
 * parameters are plain JSON, and what the plug-in throws or promises wrongly is told with its name.
 */
import { isDeepStrictEqual } from 'node:util';
import { Ajv2020, type ErrorObject } from 'ajv/dist/2020.js';
import { RULE_SCHEMAS } from '../../model/definition-schema.ts';
import { CoterieError } from '../../model/error.ts';
import {
  type InstalledSource,
  type LooksAt,
  type NaiveHolds,
  type Occurrence,
  type OccurrenceRow,
  type OccurrenceSql,
  occurrencePrefix,
  type PluginSource,
  type ReadOccurrence,
} from '../../model/plugin-source.ts';
import { readEvent } from '../../model/read-fact.ts';
import { annotationsOf } from '../../model/rule-schema/schema-part.ts';
import { MOMENT_MAX_S } from '../../model/time.ts';
import { problemsOf } from '../catalog/problem.ts';
import { eventIdOf } from '../ingest/event-id.ts';
import { callPlugin, pluginFailed } from './plugin-call.ts';

/** Rows are counted by reason, so reasons are kept short. */
const REASON_CHARACTERS_MAX = 200;

type Problem = { readonly expected: string; readonly found: string };

/** What `refuse` throws, to end `normalize`. */
class Refusal extends Error {
  readonly field: readonly string[];
  readonly problem: Problem;
  constructor(field: readonly string[], problem: Problem) {
    super(`expected ${problem.expected}, found ${problem.found}`);
    this.field = field;
    this.problem = problem;
  }
}

function refuse(problem: Problem, ...field: readonly string[]): never {
  throw new Refusal(field, problem);
}

/**
 * Installs a source: its schemas are compiled, and the examples of its condition are tried out.
 *
 * @throws {CoterieError} `PLUGIN_INVALID`, `PLUGIN_FAILED`.
 */
export function installSource(plugin: string, source: PluginSource, module: string): InstalledSource {
  const installed = new CheckedSource(plugin, source, module);
  installed.tryExamples();
  return installed;
}

class CheckedSource implements InstalledSource {
  readonly name: string;
  readonly plugin: string;
  readonly description: string;
  readonly module: string;
  readonly row: InstalledSource['row'];
  readonly conditionSchema: InstalledSource['conditionSchema'];
  readonly #source: PluginSource;
  readonly #isRow: ReturnType<Ajv2020['compile']>;
  readonly #isCondition: ReturnType<Ajv2020['compile']>;

  constructor(plugin: string, source: PluginSource, module: string) {
    this.name = source.name;
    this.plugin = plugin;
    this.description = source.description;
    this.module = module;
    this.row = source.row;
    this.conditionSchema = { ...source.condition.schema, $id: source.name } as InstalledSource['row'];
    this.#source = source;
    const ajv = new Ajv2020({ verbose: true, strictTypes: false });
    for (const schema of RULE_SCHEMAS) ajv.addSchema(schema);
    try {
      this.#isRow = ajv.compile(source.row);
      this.#isCondition = ajv.compile(this.conditionSchema);
    } catch (error) {
      const why = `a schema of the source "${source.name}" is none: ${(error as Error).message}`;
      throw new CoterieError('PLUGIN_INVALID', `plug-in ${plugin}: ${why}`, { module }, { cause: error });
    }
  }

  toJSON(): string {
    return this.name;
  }

  readRow(row: unknown): ReturnType<InstalledSource['readRow']> {
    if (!this.#isRow(row)) return { reason: reasonOf(this.#isRow.errors?.[0] as ErrorObject) };
    let read: ReadOccurrence | undefined;
    try {
      read = this.#call('read', () => this.#source.read(row as never));
    } catch (error) {
      // A bad row costs itself, also where the plug-in did not expect it.
      read = { reason: (error as Error).message };
    }
    if (typeof read !== 'object' || read === null) return { reason: 'the plug-in read nothing of the row' };
    if ('reason' in read) return { reason: String(read.reason).slice(0, REASON_CHARACTERS_MAX) };
    return readEvent(this.#eventRow(read), eventIdOf);
  }

  /** An id is unique for the customer in its source, that of an event among all events. */
  #eventRow({ customerId, id, name, occurredAt, properties }: OccurrenceRow): object {
    const prefix = occurrencePrefix(this.name);
    return {
      customer_id: customerId,
      ...(id === undefined ? {} : { event_id: `${prefix}${id}` }),
      name: name === '' || typeof name !== 'string' ? name : `${prefix}${name}`,
      occurred_at: occurredAt,
      ...(properties === undefined ? {} : { properties }),
    };
  }

  normalize(written: unknown, report: Parameters<InstalledSource['normalize']>[1]): unknown {
    let params: unknown;
    try {
      params = this.#call('normalize', () => this.#source.condition.normalize(written as never, refuse));
    } catch (error) {
      const refusal = (error as Error).cause;
      if (!(refusal instanceof Refusal)) throw error;
      report(refusal.field, refusal.problem);
      return undefined;
    }
    if (!isDeepStrictEqual(params, JSON.parse(JSON.stringify(params ?? null)))) {
      throw this.#failed('normalize', 'expected parameters that are plain JSON');
    }
    this.#checkParams(params);
    return params;
  }

  /** What is promised of parameters, whatever they are: cheap, and done whenever a definition is read. */
  #checkParams(params: unknown): void {
    if (this.naive(params, [], 0).holds) {
      throw this.#failed(
        'naive',
        `"${this.describe(params)}" holds for customers without a fact: expected that none does; a rule says \`not\` of what holds for others`,
      );
    }
    const { names, properties = [] } = this.looksAt(params);
    if (names.length === 0) throw this.#failed('looksAt', 'expected at least one name');
    const lists = [names, properties.map(({ name }) => name), ...properties.map(({ values = [] }) => values)];
    if (lists.some((list) => new Set(list).size < list.length)) {
      throw this.#failed('looksAt', 'expected distinct names, properties and values');
    }
    for (const offset of this.offsets(params)) {
      if (!Number.isInteger(offset) || offset < 0 || offset > MOMENT_MAX_S) {
        throw this.#failed('offsets', `expected whole seconds, 0 or more, found ${offset}`);
      }
    }
  }

  describe(params: unknown): string {
    return this.#call('describe', () => String(this.#source.condition.describe(params as never)));
  }

  looksAt(params: unknown): LooksAt {
    return this.#call('looksAt', () => this.#source.condition.looksAt(params as never));
  }

  offsets(params: unknown): readonly number[] {
    return this.#call('offsets', () => this.#source.condition.offsets(params as never));
  }

  naive(params: unknown, occurrences: readonly Occurrence[], moment: number): NaiveHolds {
    return this.#call('naive', () => this.#source.condition.naive(params as never, occurrences, moment));
  }

  sql(params: unknown, over: OccurrenceSql): string {
    return this.#call('sql', () => this.#source.condition.sql(params as never, over));
  }

  /** Everything but the facts, once, so that a plug-in that cannot work does not start. */
  tryExamples(): void {
    const { schema } = this.#source.condition;
    const { title, description, examples = [] } = annotationsOf(schema);
    if (title === undefined || description === undefined || examples.length === 0) {
      throw this.#invalid('expected a title, a description and examples of the condition');
    }
    for (const example of examples) {
      const found = JSON.stringify(example);
      if (!this.#isCondition(example)) {
        throw this.#invalid(`the example ${found} does not follow the schema of the condition`);
      }
      const params = this.normalize(example, (_, { expected, found: value }) => {
        throw this.#invalid(`the example ${found} is refused: expected ${expected}, found ${value}`);
      });
      if (this.describe(params) === '') throw this.#invalid(`the example ${found} has no description`);
      const accumulator = this.#call('accumulator', () =>
        this.#source.condition.accumulator(params as never, 0),
      );
      for (const name of ['begin', 'add', 'holds'] as const) {
        if (typeof accumulator[name] !== 'function') throw this.#invalid(`its accumulator has no ${name}`);
      }
      const text = (value: string): string => `'${value}'`;
      const over = {
        occurrences: 'occurrence',
        moment: 0,
        dialect: 'duckdb',
        text,
        property: text,
        number: text,
      };
      this.sql(params, over as OccurrenceSql);
    }
  }

  #call<T>(what: string, call: () => T): T {
    return callPlugin(`plug-in ${this.plugin}, source ${this.name}, ${what}`, call);
  }

  #failed(what: string, why: string): CoterieError {
    return pluginFailed(`plug-in ${this.plugin}, source ${this.name}, ${what}`, why);
  }

  #invalid(why: string): CoterieError {
    return new CoterieError('PLUGIN_INVALID', `plug-in ${this.plugin}, source ${this.name}: ${why}`, {
      module: this.module,
    });
  }
}

/** A few for each schema: what was found is not in it, since rows are counted by reason. */
function reasonOf(error: ErrorObject): string {
  const { missingProperty, additionalProperty } = error.params as Readonly<Record<string, string>>;
  const path = error.instancePath.slice(1).replaceAll('/', '.');
  if (missingProperty !== undefined) return `no ${path === '' ? '' : `${path}.`}${missingProperty}`;
  if (additionalProperty !== undefined) return 'a field that the source does not have';
  const [problem] = problemsOf([error]);
  const wrong = problem === undefined ? (error.message ?? 'something else') : `expected ${problem.expected}`;
  return `${path === '' ? 'the row' : path}: ${wrong}`.slice(0, REASON_CHARACTERS_MAX);
}
