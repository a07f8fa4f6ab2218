/** The live process that owns a server id which another process wants to use. */
export interface IdHolder {
  host: string;
  pid: number;
  /** Whether it is another application in this process. */
  isThisProcess: boolean;
}

/** For the middle of a sentence. */
export function holderInWords({ host, pid, isThisProcess }: IdHolder): string {
  return isThisProcess ? 'another application in this process' : `process ${pid} on ${host}`;
}

/**
 * The next step, for an error.
 *
 * @param leaseMs time after which a killed process counts as dead if its death can't be detected.
 */
export function holderAdvice({ isThisProcess }: IdHolder, leaseMs: number): string {
  return isThisProcess
    ? 'Give each application a uniqServerId of its own, or close the other one first'
    : `If that process was killed, wait: its lease runs out ${leaseMs} ms after its last heartbeat. ` +
        'If it runs, give each process a uniqServerId of its own, or leave this one as its stand-in';
}
