// The page of all events, from the map of their payloads.
import ts from 'typescript';
import { sourceOf, typeText, wordsOfJsDoc } from './source-words.js';

/** The page, as it should be. */
export function eventsPage(): string {
  const lines = [
    '# Events',
    '',
    'Each is a name of `MailingEvents` with its facts. No event carries an address. Each `reason` is one line of at most 1,000 characters; an `error` is for',
    'programs, and not enumerable. Where `mailingId` may be null, null is a mailing that is not persisted. This page is made from the code',
    '(`npm run docs:pages`).',
  ];
  let area = '';
  for (const member of members()) {
    const name = (member.name as ts.StringLiteral).text;
    const [at] = name.split(':');
    if (at !== area) lines.push('', `## ${at}`);
    area = at;
    lines.push('', `### \`${name}\``, '', wordsOfJsDoc(member) || 'See its facts.', '');
    lines.push(...factsOf(member.type));
  }
  return `${lines.join('\n')}\n`;
}

/** Sorted by area, in the order of the source within one. */
function members(): ts.PropertySignature[] {
  const found: ts.PropertySignature[] = [];
  sourceOf('libs/mailing/src/model/reports/mailing-event.ts').forEachChild((node) => {
    if (ts.isInterfaceDeclaration(node) && node.name.text === 'MailingEventMap')
      found.push(...node.members.filter(ts.isPropertySignature));
  });
  const areaOf = (member: ts.PropertySignature): string =>
    (member.name as ts.StringLiteral).text.split(':')[0];
  const areas = [...new Set(found.map(areaOf))];
  return areas.flatMap((area) => found.filter((member) => areaOf(member) === area));
}

function factsOf(type: ts.TypeNode | undefined): string[] {
  if (!type || !ts.isTypeLiteralNode(type)) return [`- the facts of \`${typeText(type)}\``];
  return type.members.filter(ts.isPropertySignature).map((fact) => {
    const words = wordsOfJsDoc(fact);
    return `- \`${fact.name.getText()}\`: \`${typeText(fact.type)}\`${words ? `. ${words}` : ''}`;
  });
}
