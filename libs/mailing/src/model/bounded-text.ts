/** Cuts a text without cutting a letter: half a surrogate pair at the end would be no text any more. */
export function cutText(text: string, maxLength: number): string {
  return text.length <= maxLength ? text : text.slice(0, maxLength).replace(/[\uD800-\uDBFF]$/, '');
}
