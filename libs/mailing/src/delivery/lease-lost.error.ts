/** A message may not begin any more: somebody else may be working on its mailing by now. */
export class LeaseLostError extends Error {
  constructor() {
    super('This process may not begin a message of this mailing any more.');
  }
}
