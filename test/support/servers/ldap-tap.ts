const SEARCH_REQUEST = 0x63;
const SEARCH_RESULT_DONE = 0x65;

/** Counts the pending searches of a connection by its traffic (RFC 4511, section 4.1.1). */
export class LdapTap {
  /** Searches without their final answer. */
  underWay = 0;
  /** The largest number that was pending at one moment. */
  most = 0;
  #rest: Record<'client' | 'server', Buffer> = { client: Buffer.alloc(0), server: Buffer.alloc(0) };

  /** Takes all traffic, in order. */
  readonly take = (from: 'client' | 'server', chunk: Buffer): void => {
    let bytes = Buffer.concat([this.#rest[from], chunk]);
    for (let length = lengthOf(bytes); length !== null && bytes.length >= length; length = lengthOf(bytes)) {
      this.#count(operationOf(bytes));
      bytes = bytes.subarray(length);
    }
    this.#rest[from] = bytes;
  };

  #count(operation: number): void {
    if (operation === SEARCH_REQUEST) this.most = Math.max(this.most, ++this.underWay);
    if (operation === SEARCH_RESULT_DONE) this.underWay--;
  }
}

/** Where the length of a BER element ends, and where the element does; null: more bytes are needed to tell. */
function bordersOf(bytes: Buffer): { head: number; end: number } | null {
  if (bytes.length < 2) return null;
  const numLengthBytes = bytes[1] < 0x80 ? 0 : bytes[1] & 0x7f;
  const head = 2 + numLengthBytes;
  if (bytes.length < head) return null;
  const length = numLengthBytes === 0 ? bytes[1] : bytes.readUIntBE(2, numLengthBytes);
  return { head, end: head + length };
}

function lengthOf(bytes: Buffer): number | null {
  return bordersOf(bytes)?.end ?? null;
}

/** A message is a sequence of its number and its operation. */
function operationOf(message: Buffer): number {
  const inside = message.subarray(bordersOf(message)?.head);
  return inside[bordersOf(inside)?.end ?? 0];
}
