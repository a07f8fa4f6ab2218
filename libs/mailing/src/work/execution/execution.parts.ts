import type { FaultPoints } from '../../model/ports/fault-points.js';
import type { MailingEvents } from '../../model/reports/mailing-event.js';
import type { MailingPersister } from '../../model/ports/mailing.persister.js';
import type { MailingReader } from '../../store/queries/mailing.reader.js';
import type { RunRegistry } from '../run/run.registry.js';
import type { ServerMembership } from '../servers/server-membership.js';
import type { ContentOpener } from './content.opener.js';
import type { ResumeHold } from './resume-hold.js';
import type { SliceRunner } from './slice.runner.js';

/** What it takes to open a mailing and to work on a claim, whether the claim is that of a mailing or of a batch. */
export interface ExecutionParts {
  persister: MailingPersister;
  reader: MailingReader;
  membership: ServerMembership;
  runs: RunRegistry;
  hold: ResumeHold;
  opener: ContentOpener;
  runner: SliceRunner;
  events: MailingEvents;
  faultPoints: FaultPoints;
}
