import Handlebars from 'handlebars';

/** Something that Handlebars compiles. */
export type TemplateSource = string | hbs.AST.Program;

/** Between quotes, and in how many comments, which may hold each other. */
interface Place {
  isQuoted: boolean;
  depth: number;
}

/**
 * A comma separated list of mailboxes, as a template of its own for each: what data puts into one of them never becomes
 * another, however it is quoted. Commas in quotes, in comments, in blocks and in expressions separate nothing.
 */
export function mailboxTemplates(source: string): TemplateSource[] {
  let program: hbs.AST.Program;
  try {
    program = Handlebars.parseWithoutProcessing(source);
  } catch {
    // Whoever compiles it says what is wrong.
    return [source];
  }
  const mailboxes: hbs.AST.Statement[][] = [[]];
  let place: Place = { isQuoted: false, depth: 0 };
  for (const statement of program.body) {
    if (statement.type !== 'ContentStatement') {
      mailboxes[mailboxes.length - 1].push(statement);
      continue;
    }
    const content = statement as hbs.AST.ContentStatement;
    const cut = cutAtCommas(content.value, place);
    place = cut.place;
    for (const [n, value] of cut.parts.entries()) {
      if (n > 0) mailboxes.push([]);
      mailboxes[mailboxes.length - 1].push({ ...content, value, original: value } as hbs.AST.Statement);
    }
  }
  return mailboxes.map((body) => ({ ...program, body }));
}

/** @param place where the text before a mustache, that this one comes behind, has ended. */
function cutAtCommas(text: string, place: Place): { parts: string[]; place: Place } {
  const parts: string[] = [];
  let begin = 0;
  let { isQuoted, depth } = place;
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if ((isQuoted || depth > 0) && character === '\\') at++;
    else if (character === '"' && depth === 0) isQuoted = !isQuoted;
    else if (isQuoted) continue;
    else if (character === '(') depth++;
    else if (character === ')') depth = Math.max(depth - 1, 0);
    else if (character === ',' && depth === 0) {
      parts.push(text.slice(begin, at));
      begin = at + 1;
    }
  }
  return { parts: [...parts, text.slice(begin)], place: { isQuoted, depth } };
}
