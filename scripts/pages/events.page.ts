// The page of all events, from the maps of their payloads.
import ts from 'typescript';
import { typeText, wordsOfJsDoc } from './source-words.js';
import { interfaceOf, membersOf, typesNamedIn } from './type-words.js';

/** The page, as it should be. */
export function eventsPage(): string {
  const mailing = eventsOf('libs/mailing/src/model/reports/mailing-event.ts', 'MailingEventMap');
  const scenarios = eventsOf('libs/scenarios/src/scenario.events.ts', 'ScenarioEventMap');
  const lines = [
    '# Events',
    '',
    'Each is a name of `MailingEvents`, or of `ScenarioEvents` of `nestjs-mailing/scenarios`, with its facts. No event carries an address. Each `reason` is one',
    'line of at most 1,000 characters; an `error` is for programs, and not enumerable. Where `mailingId` may be null, null is a mailing that is not persisted.',
    'The types that the facts name are [below](#types), the classes of errors on [their page](errors.md). This page is made from the code',
    '(`npm run docs:pages`).',
    '',
    'Inject `MailingEvents`, or take it from the application:',
    '',
    '```ts',
    "app.get(MailingEvents).on('run:ended', ({ mailingId, numSent }) => console.log(mailingId, numSent));",
    '```',
    ...areasIn(mailing),
    ...areasIn(scenarios),
    '',
    '## Types',
    ...typesNamedIn([...mailing, ...scenarios]),
  ];
  return `${lines.join('\n')}\n`;
}

/** Sorted by area, in the order of the source within one. */
function eventsOf(file: string, map: string): ts.PropertySignature[] {
  const found = interfaceOf(file, map).members.filter(ts.isPropertySignature);
  const areas = [...new Set(found.map(areaOf))];
  return areas.flatMap((area) => found.filter((member) => areaOf(member) === area));
}

function areasIn(members: ts.PropertySignature[]): string[] {
  const lines: string[] = [];
  let area = '';
  for (const member of members) {
    if (areaOf(member) !== area) lines.push('', `## ${areaOf(member)}`);
    area = areaOf(member);
    lines.push('', `### \`${nameOf(member)}\``, '', wordsOfJsDoc(member), '');
    lines.push(...factsOf(member.type));
  }
  return lines;
}

function factsOf(type: ts.TypeNode | undefined): string[] {
  return type && ts.isTypeLiteralNode(type) ? membersOf(type) : [`- the facts of \`${typeText(type)}\``];
}

function areaOf(member: ts.PropertySignature): string {
  return nameOf(member).split(':')[0];
}

function nameOf(member: ts.PropertySignature): string {
  return (member.name as ts.StringLiteral).text;
}
