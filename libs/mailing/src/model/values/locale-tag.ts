/** BCP 47: a language of two or three letters, then subtags. Java and many databases write `fr_CA`. */
const TAG = /^[a-z]{2,3}([-_][a-z0-9]{1,8}){0,6}$/i;
const MAX_TAG = 35;

/**
 * The tags to try for a locale, the best first, in lower case: `fr-CA` gives `fr-ca` and `fr` (RFC 4647 section 3.4).
 *
 * @returns an empty list for what is no tag: a locale may come from a list of recipients, and a bad one must not cost the recipient its
 * message.
 */
export function lookupChain(locale: unknown): string[] {
  if (typeof locale !== 'string' || locale.length > MAX_TAG || !TAG.test(locale)) return [];
  const parts = locale.toLowerCase().split(/[-_]/);
  const chain: string[] = [];
  for (let length = parts.length; length > 0; length--) {
    // A subtag of a single letter only introduces the next one.
    if (parts[length - 1].length > 1) chain.push(parts.slice(0, length).join('-'));
  }
  return chain;
}
