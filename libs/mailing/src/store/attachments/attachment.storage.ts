/** Where the bytes of attachments are, each file under the SHA-256 of its bytes. */
export interface AttachmentStorage {
  /** Harmless when repeated, also by two at a time. When it resolves, a power cut changes nothing any more. */
  write(hash: string, bytes: Buffer): Promise<void>;
  /** What is there, whole or not: who reads it compares its hash. */
  read(hash: string): Promise<Buffer>;
  /** For people who look for it. */
  placeOf(hash: string): string;
}

/** An attachment that can't be had as it was sent, in words for `status_reason`. */
export class AttachmentGone {
  constructor(readonly reason: string) {}
}

/** Not on the thread that has heartbeats to send. */
export async function sha256(bytes: Buffer): Promise<string> {
  return Buffer.from(await crypto.subtle.digest('SHA-256', bytes as Buffer<ArrayBuffer>)).toString('hex');
}
