/** One directory entry: its distinguished name, and one or more values for each attribute. */
export interface LdapEntry {
  dn: string;
  [attribute: string]: string | readonly string[];
}

/** What `slapadd` reads. Every value goes in base64, because few characters may stand as they are. */
export function toLdif(entries: readonly LdapEntry[]): string {
  return entries
    .map(({ dn, ...attributes }) => {
      const lines = Object.entries(attributes).flatMap(([name, values]) =>
        [values].flat().map((value) => line(name, value)),
      );
      return [line('dn', dn), ...lines, ''].join('\n');
    })
    .join('\n');
}

function line(name: string, value: string): string {
  return `${name}:: ${Buffer.from(value).toString('base64')}`;
}
