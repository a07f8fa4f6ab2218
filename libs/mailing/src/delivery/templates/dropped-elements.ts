import { FOREIGN, type HtmlPiece, VOID } from './html-pieces.js';

/**
 * Leaves elements out of cut html, with all that is in them.
 *
 * The end of an element that has no end tag is not known without a parser. So a dropped element ends at its own end tag, or at that of an
 * element around it: html that is not well-formed loses no more than that.
 *
 * @param dropped names in lower case.
 */
export function* withoutElements(
  pieces: Iterable<HtmlPiece>,
  dropped: ReadonlySet<string>,
): Generator<HtmlPiece, void, undefined> {
  let root: string | null = null;
  /** Elements that were opened inside the dropped one and not closed, by name. */
  const open = new Map<string, number>();
  for (const piece of pieces) {
    const { kind } = piece;
    if (root === null) {
      if (kind !== 'open' || !dropped.has(piece.name)) yield piece;
      else if (!isEmpty(piece.name, piece.source)) root = piece.name;
    } else if (kind !== 'text' && !isEmpty(piece.name, piece.source)) {
      const count = open.get(piece.name) ?? 0;
      if (kind === 'open') open.set(piece.name, count + 1);
      else if (count > 0) open.set(piece.name, count - 1);
      else {
        if (piece.name !== root) yield piece;
        root = null;
        open.clear();
      }
    }
  }
}

function isEmpty(name: string, source: string): boolean {
  return VOID.has(name) || (FOREIGN.has(name) && source.endsWith('/>'));
}
