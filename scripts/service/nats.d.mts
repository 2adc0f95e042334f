/** Types of `nats.mjs`. */

export interface RunningNats {
  readonly url: string;
  readonly pid: number;
  /** Kills it and starts it again, with what it holds. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

export function natsProgram(): string | undefined;
export function startNats(): Promise<RunningNats>;
