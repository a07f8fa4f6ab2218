import Handlebars from 'handlebars';

/** A source that Handlebars compiles. */
export type TemplateSource = string | hbs.AST.Program;

/** The state at an index of the text: whether it is in quotes, and in how many nested comments. */
interface ScanState {
  isQuoted: boolean;
  depth: number;
}

/**
 * Splits a comma-separated list of mailboxes into one template for each, so that data in one of them never adds another, however it is quoted.
 * Commas in quotes, comments, blocks and expressions do not separate.
 */
export function mailboxTemplates(source: string): TemplateSource[] {
  let program: hbs.AST.Program;
  try {
    program = Handlebars.parseWithoutProcessing(source);
  } catch {
    // Compiling it reports what is wrong.
    return [source];
  }
  const mailboxes: hbs.AST.Statement[][] = [[]];
  let state: ScanState = { isQuoted: false, depth: 0 };
  for (const statement of program.body) {
    if (statement.type !== 'ContentStatement') {
      mailboxes[mailboxes.length - 1].push(statement);
      continue;
    }
    const content = statement as hbs.AST.ContentStatement;
    const cut = cutAtCommas(content.value, state);
    state = cut.state;
    for (const [n, value] of cut.parts.entries()) {
      if (n > 0) mailboxes.push([]);
      mailboxes[mailboxes.length - 1].push({ ...content, value, original: value } as hbs.AST.Statement);
    }
  }
  return mailboxes.map((body) => ({ ...program, body }));
}

/** @param state the state in which the text before the preceding mustache ended. */
function cutAtCommas(text: string, state: ScanState): { parts: string[]; state: ScanState } {
  const parts: string[] = [];
  let begin = 0;
  let { isQuoted, depth } = state;
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
  return { parts: [...parts, text.slice(begin)], state: { isQuoted, depth } };
}
