/** A message may not begin any more: another process may be working on its mailing. */
export class LeaseLostError extends Error {
  constructor() {
    super('This process may not begin a message of this mailing any more.');
  }
}
