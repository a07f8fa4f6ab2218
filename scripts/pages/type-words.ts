import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { plainWords, sourceOf, typeText, wordsOfJsDoc } from './source-words.js';

type Declaration = ts.InterfaceDeclaration | ts.TypeAliasDeclaration;

/** Where the types of the public API are declared. */
const FOLDER = 'libs/mailing/src/model';

/** A list of the members of an interface or a type literal: name, type, words. */
export function membersOf({ members }: ts.InterfaceDeclaration | ts.TypeLiteralNode): string[] {
  return members.filter(ts.isPropertySignature).map((member) => {
    const words = wordsOfJsDoc(member).replaceAll('\n\n', ' ');
    const mark = member.questionToken ? '?' : '';
    return `- \`${member.name.getText()}${mark}\`: \`${typeText(member.type)}\`${words ? `. ${words}` : ''}`;
  });
}

/** An interface by its name. */
export function interfaceOf(file: string, name: string): ts.InterfaceDeclaration {
  const found = sourceOf(file).statements.find(
    (node): node is ts.InterfaceDeclaration => ts.isInterfaceDeclaration(node) && node.name.text === name,
  );
  if (!found) throw new Error(`${file} has no interface ${name}`);
  return found;
}

/** Each of our types that the nodes name, or that such a type names, with its words and its values or members. */
export function typesNamedIn(nodes: readonly ts.Node[]): string[] {
  const known = declarations();
  const found = new Map<string, Declaration>();
  const visit = (node: ts.Node): void => {
    const name = ts.isTypeReferenceNode(node) ? node.typeName.getText() : '';
    const declaration = known.get(name);
    if (declaration && !found.has(name)) {
      found.set(name, declaration);
      visit(declaration);
    }
    node.forEachChild(visit);
  };
  nodes.forEach(visit);
  return [...found.keys()].sort().flatMap((name) => linesOf(found.get(name)!));
}

function declarations(): Map<string, Declaration> {
  const found = new Map<string, Declaration>();
  for (const file of readdirSync(FOLDER, { recursive: true, encoding: 'utf8' }))
    if (file.endsWith('.ts'))
      for (const node of sourceOf(join(FOLDER, file)).statements)
        if (ts.isInterfaceDeclaration(node) || ts.isTypeAliasDeclaration(node))
          found.set(node.name.text, node);
  return found;
}

function linesOf(declaration: Declaration): string[] {
  const lines = ts.isInterfaceDeclaration(declaration)
    ? membersOf(declaration)
    : valuesOf(declaration.type).map(({ value, words }) => `- \`${value}\`${words ? `: ${words}` : ''}`);
  return ['', `### \`${declaration.name.text}\``, '', wordsOfJsDoc(declaration), '', ...lines];
}

/** The members of a union with the words before them; of `Extract<…>`, those that it keeps. */
function valuesOf(type: ts.TypeNode): { value: string; words: string }[] {
  if (ts.isTypeReferenceNode(type) && type.typeName.getText() === 'Extract' && type.typeArguments)
    return valuesOf(type.typeArguments[1]);
  if (!ts.isUnionTypeNode(type)) return [{ value: typeText(type), words: '' }];
  let end = type.pos;
  return type.types.map((member) => {
    const before = type.getSourceFile().text.slice(end, member.getStart());
    end = member.end;
    const [, comment = ''] = /\/\*\*([\s\S]*?)\*\//.exec(before) ?? [];
    return { value: typeText(member), words: plainWords(comment.replaceAll(/^\s*\* ?/gm, '')) };
  });
}
