// A life in a process that kills itself. MAILING_DIE_AT and MAILING_DIE_ON name the fault point, and the number of its visit.
import { live } from './life.mjs';
import { dieAtFaultPoint } from './mortal-host.mjs';

dieAtFaultPoint();
await live();
