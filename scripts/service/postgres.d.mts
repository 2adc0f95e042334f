/** A private PostgreSQL that runs until it is stopped or the process ends. */
export interface PostgresServer {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly folder: string;
  /** Of the server's first process, the parent of all others. */
  readonly pid: number;
  stop(): Promise<void>;
}

/** The folder of the newest PostgreSQL's programs, or undefined where none is installed. */
export function postgresPrograms(): string | undefined;

/** Starts a server; `settings` are those of postgresql.conf. */
export function startPostgres(options?: {
  readonly settings?: Readonly<Record<string, string>>;
}): Promise<PostgresServer>;
