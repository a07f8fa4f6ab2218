/** Settings of every process of a contender. */
export interface ContenderSettings {
  smtpUrl: string;
  smtpConnections: number;
  /** URL of the store for its jobs; empty without a store. */
  storeUrl: string;
}

/** Questions of its parent. */
export interface ContenderAnswers {
  /** Accepts the readers; answers when it is ready to begin. */
  prepare(request: { recipients: number }): Promise<void>;
  /** Sends to all of them. Answers the seconds from its first step until the last message was accepted. */
  send(): Promise<number>;
  cpuMs(): number;
}
