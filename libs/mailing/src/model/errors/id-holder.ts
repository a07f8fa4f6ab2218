/** The live process that has a server id which another one would like to have. */
export interface IdHolder {
  host: string;
  pid: number;
  /** It is another application of this very process. */
  isThisProcess: boolean;
}

/** For the middle of a sentence. */
export function holderInWords({ host, pid, isThisProcess }: IdHolder): string {
  return isThisProcess ? 'another application in this process' : `process ${pid} on ${host}`;
}

/**
 * What to do about it.
 *
 * @param leaseMs after which a process that was killed counts as gone, where its death can't be seen.
 */
export function holderAdvice({ isThisProcess }: IdHolder, leaseMs: number): string {
  return isThisProcess
    ? 'Give each application a uniqServerId of its own, or close the other one first'
    : `If that process was killed, wait: its lease runs out ${leaseMs} ms after its last heartbeat. ` +
        'If it runs, give each process a uniqServerId of its own, or leave this one as its stand-in';
}
