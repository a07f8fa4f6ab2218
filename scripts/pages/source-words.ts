import { readFileSync } from 'node:fs';
import ts from 'typescript';

/** A file of TypeScript as a tree. */
export function sourceOf(file: string): ts.SourceFile {
  return ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.Latest, true);
}

/** The words of the JSDoc of a declaration, one paragraph a line; without tags. */
export function wordsOfJsDoc(node: ts.Node): string {
  const [comment] = ts.getJSDocCommentsAndTags(node).filter(ts.isJSDoc);
  return plainWords(ts.getTextOfJSDocComment(comment?.comment) ?? '');
}

/** The words of a tag in the JSDoc of a declaration. */
export function wordsOfTag(node: ts.Node, name: string): string | undefined {
  const tag = ts.getJSDocTags(node).find(({ tagName }) => tagName.text === name);
  return tag && plainWords(ts.getTextOfJSDocComment(tag.comment) ?? '');
}

/** The words of a comment, one paragraph a line. */
export function plainWords(text: string): string {
  return text
    .trim()
    .split(/\n\s*\n/)
    .map((paragraph) => paragraph.replaceAll(/\s*\n\s*(?!-)/g, ' '))
    .join('\n\n');
}

/** A type as it is written, on one line. */
export function typeText(node: ts.TypeNode | undefined): string {
  return (node?.getText() ?? '').replaceAll(/\s+/g, ' ');
}
