// Begins 500 messages with a journal in the folder of its first argument, until its file can't grow any more.
//
// Second argument: `moved` puts a folder in the file's place, so that it can't be removed; `stuck` also closes its descriptor, so
// that it can't be emptied either.
import { closeSync, mkdirSync, readdirSync, readlinkSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { journalPath, MailingJournal } from '../../../dist/libs/mailing/src/store/journal/mailing.journal.js';

const [dir, how] = process.argv.slice(2);
const owner = {
  uniqServerId: 'test:1',
  incarnation: 'full',
  hostname: 'vm',
  pid: 1,
  pidNamespace: 'boot/pid',
};
const losses = [];
const refused = [];
const path = journalPath(dir, 'full');
const journal = new MailingJournal(dir, owner, (error) => losses.push(String(error)));
const claim = journal.claim('full#1', 0);
const aside = join(dir, 'aside');
if (how) {
  claim.begin(1_000)();
  renameSync(path, aside);
  mkdirSync(path);
}
if (how === 'stuck') {
  const fd = readdirSync('/proc/self/fd').find((one) => linkOf(one) === aside);
  closeSync(Number(fd));
}
let numBegun = 0;
for (let idx = 0; idx < 500; idx++) {
  try {
    claim.begin(idx)();
    numBegun++;
  } catch (error) {
    refused.push(String(error));
  }
}
const size = how ? statSync(aside).size : null;
process.stdout.write(JSON.stringify({ numBegun, losses, refused, left: readdirSync(dir), size }));

function linkOf(fd) {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return null;
  }
}
