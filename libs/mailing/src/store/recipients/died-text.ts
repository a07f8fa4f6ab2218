/**
 * `error_text` of a recipient that a dead run left in doubt. It names the claim and its last commit, so that the process of that run, should it live after
 * all, recognizes the recipients that have not changed since.
 */
export function diedText(claimToken: string, commitSeq: number): string {
  return (
    'The sending process died between hand-over and answer; the mail server may have taken the message. ' +
    `It held claim ${claimToken} at commit ${commitSeq}.`
  );
}
