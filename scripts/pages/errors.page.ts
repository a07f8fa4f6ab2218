// The page of all errors, from their classes.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { sourceOf, wordsOfJsDoc, wordsOfTag } from './source-words.js';

/** An error of the public API. */
export interface DescribedError {
  name: string;
  code: string;
  words: string;
  /** The tag `@nextStep`, for a message whose end depends on what is wrong; else the last sentence of its message. */
  next: string;
}

/** All classes with a code of ours, by name. */
export function describedErrors(): DescribedError[] {
  const files = readdirSync('libs', { recursive: true, encoding: 'utf8' }).filter((file) =>
    file.endsWith('.ts'),
  );
  const found: DescribedError[] = [];
  for (const file of files)
    sourceOf(join('libs', file)).forEachChild((node) => {
      if (!ts.isClassDeclaration(node) || !node.name) return;
      const code = codeOf(node);
      const next = (): string => wordsOfTag(node, 'nextStep') ?? nextStepOf(node);
      if (code) found.push({ name: node.name.text, code, words: wordsOfJsDoc(node), next: next() });
    });
  return found.sort((a, b) => a.name.localeCompare(b.name));
}

/** The page, as it should be. */
export function errorsPage(): string {
  const lines = [
    '# Errors',
    '',
    'Each refusal has a class and a `code` of its own, and a message that names what was expected, what was got and what to do next. All extend',
    '`MailingError`, and refusals of a request to send extend `TemplateEmailRequestError`. The `code` stays the same over versions, and across copies of the',
    'package, where `instanceof` fails. This page is made from the code (`npm run docs:pages`).',
  ];
  for (const { name, code, words, next } of describedErrors())
    lines.push('', `## \`${name}\``, '', `\`${code}\``, '', words, '', `Next step: ${next}`);
  return `${lines.join('\n')}\n`;
}

function codeOf(node: ts.ClassDeclaration): string | null {
  for (const member of node.members) {
    if (!ts.isPropertyDeclaration(member) || member.name.getText() !== 'code' || !member.initializer)
      continue;
    const code = textOfConstant(member.initializer);
    if (code.startsWith('MAILING_')) return code;
  }
  return null;
}

/** A text, or the name of a constant of the same file. */
function textOfConstant(node: ts.Expression): string {
  if (ts.isStringLiteral(node)) return node.text;
  const { statements } = node.getSourceFile();
  const constants = statements
    .filter(ts.isVariableStatement)
    .flatMap(({ declarationList }) => declarationList.declarations);
  const found = constants.find(({ name }) => name.getText() === node.getText())?.initializer;
  if (!found || !ts.isStringLiteral(found)) throw new Error(`No text: ${node.getText()}`);
  return found.text;
}

/** The end of its message; empty if there is none. What varies is an ellipsis. */
function nextStepOf(node: ts.ClassDeclaration): string {
  const builder = node.members.find(ts.isConstructorDeclaration);
  const byDefault = builder?.parameters.find(({ name }) => name.getText() === 'nextStep')?.initializer;
  if (byDefault) return textOf(byDefault);
  let message = '';
  const visit = (inner: ts.Node): void => {
    if (
      ts.isCallExpression(inner) &&
      inner.expression.kind === ts.SyntaxKind.SuperKeyword &&
      inner.arguments[0]
    )
      message ||= textOf(inner.arguments[0]);
    inner.forEachChild(visit);
  };
  builder?.body?.forEachChild(visit);
  const sentences = message.split(/(?<=[.…]) (?=[A-Z])/);
  return sentences.length > 1 ? sentences[sentences.length - 1] : '';
}

function textOf(node: ts.Expression): string {
  if (ts.isStringLiteralLike(node)) return node.text;
  if (ts.isBinaryExpression(node)) return textOf(node.left) + textOf(node.right);
  if (ts.isTemplateExpression(node))
    return (
      node.head.text +
      node.templateSpans.map(({ expression, literal }) => textOf(expression) + literal.text).join('')
    );
  return defaultOf(node) ?? '…';
}

/** Of a parameter that has a text by default. */
function defaultOf(node: ts.Expression): string | null {
  const builder = ts.findAncestor(node, ts.isConstructorDeclaration);
  const given = builder?.parameters.find(({ name }) => name.getText() === node.getText())?.initializer;
  return given && ts.isStringLiteral(given) ? given.text : null;
}
