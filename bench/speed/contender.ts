/** What every process of a contender is told at its start. */
export interface ContenderSettings {
  smtpUrl: string;
  smtpConnections: number;
  /** Of the store it keeps its jobs in; empty where it keeps none. */
  storeUrl: string;
}

/** What it may be asked. */
export interface ContenderAnswers {
  /** Takes the readers in; answers when it could begin. */
  prepare(request: { recipients: number }): Promise<void>;
  /** Sends to all of them. Answers with the seconds from its first step until the last message was accepted. */
  send(): Promise<number>;
  cpuMs(): number;
}
