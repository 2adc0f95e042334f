/** Types of `kafka.mjs`. */

export interface RunningKafka {
  /** `host:port`. */
  readonly brokers: string;
  readonly pid: number;
  /** Kills it and starts it again, with what it holds. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

/** Why a broker cannot be started here, or undefined where it can. */
export function kafkaMissing(): Promise<string | undefined>;
export function startKafka(): Promise<RunningKafka>;
