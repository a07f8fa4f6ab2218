import { readFile } from 'node:fs/promises';

/** A mail server that takes everything and keeps nothing, so that it is hardly what is measured. */
export interface MailSink {
  readonly url: string;
  /** That it has read since its start: what clients have sent, as Linux counts; null on other systems. */
  bytes(): Promise<number | null>;
  /** Processor time since its start; null where the system does not tell. */
  cpuMs(): Promise<number | null>;
  stop(): Promise<void>;
}

export async function bytesReadBy(pid: number | undefined): Promise<number | null> {
  const io = await readFile(`/proc/${pid}/io`, 'utf8').catch(() => '');
  const read = /^rchar: (\d+)$/m.exec(io);
  return read ? Number(read[1]) : null;
}
