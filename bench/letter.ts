import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

/** The message of the example service: html and text. */
export const TEMPLATE_FOLDER = fileURLToPath(new URL('../src/newsletter/templates', import.meta.url));
export const HTML_TEMPLATE = 'newsletter.hbs';
export const TEXT_TEMPLATE = 'newsletter.text.hbs';

export const SUBJECT = 'Grüße for {{name}}';
export const FROM = 'The Corner Shop <news@shop.example>';
/** Makes a message about 4 KB on the wire, with non-ASCII text in both parts. */
export const PARAMS = {
  headline: 'Neues, frisch geröstet',
  text: 'There is a lot of news this week, and we are glad to tell you all of it, naïve as that may be. '.repeat(
    9,
  ),
};

/** Environment variable of a contender: kilobytes attached to each message. */
export const ATTACHMENT_KB = 'MAILING_BENCH_ATTACHMENT_KB';

/** The same incompressible file for each recipient; none unless requested. */
export function attachments(): { filename: string; content: Buffer }[] | undefined {
  const bytes = Number(process.env[ATTACHMENT_KB] ?? 0) * 1_024;
  if (bytes === 0) return undefined;
  return [
    {
      filename: 'flyer.pdf',
      content: Buffer.from(Array.from({ length: bytes }, (_, n) => (n * 7_919) % 251)),
    },
  ];
}

export interface Reader {
  email: string;
  name: string;
}

export function* readers(count: number): Iterable<Reader> {
  for (let n = 0; n < count; n++) yield { email: `reader${n}@home.example`, name: `Reader ${n}` };
}

/** Template sources, for contenders that render by themselves. */
export async function templateSources(): Promise<{ html: string; text: string }> {
  const read = (name: string): Promise<string> => readFile(`${TEMPLATE_FOLDER}/${name}`, 'utf8');
  return { html: await read(HTML_TEMPLATE), text: await read(TEXT_TEMPLATE) };
}
