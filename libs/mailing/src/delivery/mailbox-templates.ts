import Handlebars from 'handlebars';

/** Something that Handlebars compiles. */
export type TemplateSource = string | hbs.AST.Program;

/**
 * A comma separated list of mailboxes, as a template of its own for each: what data puts into one of them never becomes
 * another, however it is quoted. Commas in blocks and in expressions separate nothing.
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
  let isQuoted = false;
  for (const statement of program.body) {
    if (statement.type !== 'ContentStatement') {
      mailboxes[mailboxes.length - 1].push(statement);
      continue;
    }
    const content = statement as hbs.AST.ContentStatement;
    const cut = cutAtCommas(content.value, isQuoted);
    isQuoted = cut.isQuoted;
    for (const [n, value] of cut.parts.entries()) {
      if (n > 0) mailboxes.push([]);
      mailboxes[mailboxes.length - 1].push({ ...content, value, original: value } as hbs.AST.Statement);
    }
  }
  return mailboxes.map((body) => ({ ...program, body }));
}

/** @param isQuoted whether quotes were opened before a mustache that this text comes behind. */
function cutAtCommas(text: string, isQuoted: boolean): { parts: string[]; isQuoted: boolean } {
  const parts: string[] = [];
  let begin = 0;
  let quoted = isQuoted;
  for (let at = 0; at < text.length; at++) {
    if (quoted && text[at] === '\\') at++;
    else if (text[at] === '"') quoted = !quoted;
    else if (text[at] === ',' && !quoted) {
      parts.push(text.slice(begin, at));
      begin = at + 1;
    }
  }
  return { parts: [...parts, text.slice(begin)], isQuoted: quoted };
}
