/** Where the bytes of attachments are stored, each file under the SHA-256 of its bytes. */
export interface AttachmentStorage {
  /** Idempotent, also for two concurrent writers. Once it resolves, the bytes survive a power cut. */
  write(hash: string, bytes: Buffer): Promise<void>;
  /** Returns the stored bytes, complete or not; the reader compares their hash. */
  read(hash: string): Promise<Buffer>;
  /** Where the file is stored, for people who search it. */
  placeOf(hash: string): string;
}

/** An attachment that can't be read as it was sent, with the reason for `status_reason`. */
export class AttachmentGone {
  constructor(readonly reason: string) {}
}

/** Computed outside of the main thread, which must send heartbeats. */
export async function sha256(bytes: Buffer): Promise<string> {
  return Buffer.from(await crypto.subtle.digest('SHA-256', bytes as Buffer<ArrayBuffer>)).toString('hex');
}
