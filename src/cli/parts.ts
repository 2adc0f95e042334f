/**
 * What commands run in process, as the composition root hands it to them: no command picks a driver.
 * Each part is loaded when it is first asked for, so that `check` and `--help` start fast.
 */
import type { FactsAnswer, ListUploadAnswer, Mark, StreamAnswer } from '../client/client.ts';
import type { Config } from '../config/option-table.ts';
import type { Core } from '../core/core.ts';
import type { Progress } from '../core/engine/engine.ts';
import type { IngestReport } from '../core/ingest/row-tally.ts';
import type { VerifyReport, VerifyRequest } from '../core/verify/verify.ts';
import type { AsOf } from '../model/membership.ts';
import type { Definition } from '../model/segment.ts';
import type { Store } from '../store/store.ts';

export interface SimulateRequest {
  readonly customers: number;
  readonly orders: number;
  readonly stores: number;
  readonly events: number;
  /** Whether there are scores of a model, and lists. */
  readonly scores: boolean;
  readonly lists: boolean;
  readonly seed: number;
  /** The last moment of the history, seconds since 1970. */
  readonly to: number;
}

/** A server that listens. */
export interface RunningServer {
  /** Where it can be reached from this machine. */
  readonly url: string;
  /** Stops listening, lets requests under way end, and closes what it opened. */
  close(): Promise<void>;
}

/** What commands ask that a running server can answer as well as the data folder can. */
export type CoreQuestions = Pick<
  Core,
  | 'apply'
  | 'dryRun'
  | 'segment'
  | 'segments'
  | 'calculate'
  | 'lastCalculation'
  | 'size'
  | 'members'
  | 'overlap'
  | 'preview'
  | 'explain'
  | 'factCounts'
  | 'eraseCustomer'
  | 'readmitCustomer'
  | 'models'
  | 'activateModelVersion'
  | 'lists'
>;

/** The answer to `verify`. */
export type Verified = VerifyReport & { readonly asOf: AsOf };

/** A running server, as commands see it. */
export interface RemoteServer extends CoreQuestions {
  check(customer: string, segments: readonly string[]): Promise<CheckReport>;
  /** Holds a sample of what it serves to the SQL oracle. */
  verify(request: VerifyRequest & { readonly customers: number }): Promise<Verified>;
  /** The moment that its answers reflect, in seconds since 1970. */
  servedAsOf(): Promise<number>;
  /** Streams that it takes facts in from. */
  streams(): Promise<readonly StreamAnswer[]>;
  /** Rows of facts as NDJSON; returns when those accepted are durable. */
  sendFactLines(source: string, lines: string, options: FactSending): Promise<FactsAnswer>;
  /** Rows of list entries as NDJSON, which become the whole of a list. */
  replaceListLines(
    list: string,
    lines: AsyncIterable<string>,
    options: { readonly strict: boolean; readonly rejects: number },
  ): Promise<ListUploadAnswer>;
}

/** How rows are sent. */
export interface FactSending {
  readonly strict: boolean;
  /** Of lists: whether it is counted what the rows change. */
  readonly counts: boolean;
  /** Most rows set aside that are listed. */
  readonly rejects: number;
}

/** The answer to `check`. */
export interface CheckReport {
  readonly customer: string;
  readonly memberships: Readonly<Record<string, boolean>>;
  readonly unknown: readonly string[];
  /** ISO 8601. */
  readonly asOf: string;
  readonly mark: Mark;
}

export interface Parts {
  /**
   * @param options.removesOldRejects - Whether files of rows set aside that have outlived their life go first.
   * @throws {CoterieError} `DATA_FOLDER_LOCKED` when another process has the folder open.
   */
  openCore(config: Config, options?: { readonly removesOldRejects?: boolean }): Promise<Core>;
  /** The memberships of a data folder, to read. */
  openStore(config: Config): Promise<Store>;
  connect(url: string): Promise<RemoteServer>;
  serve(config: Config): Promise<RunningServer>;
  /** Fills an empty data folder with a made-up history. */
  simulate(config: Config, request: SimulateRequest, progress: Progress): Promise<void>;
  /** Holds what is served to the SQL oracle, as of the last calculation. */
  verify(config: Config, request: VerifyRequest, progress: Progress): Promise<Verified>;
  /** @throws {CoterieError} `DEFINITION_SYNTAX`, `DEFINITION_INVALID` and what goes with them. */
  readDefinitions(
    config: Config,
    text: string,
    source: { readonly file: string; readonly format: 'yaml' | 'json' | 'ndjson' },
  ): Promise<Definition[]>;
  /** The JSON Schema of definitions. */
  schema(config: Config): Promise<object>;
  /**
   * Takes rows of a plug-in's source into the data folder.
   *
   * @throws {CoterieError} `CONFIG_INVALID` for a source that no plug-in brings; what `Ingest.submit` throws.
   */
  takeRows(
    config: Config,
    from: {
      readonly source: string;
      readonly rows: AsyncIterable<readonly unknown[]>;
      readonly strict: boolean;
    },
  ): Promise<IngestReport>;
}
