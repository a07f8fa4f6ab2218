import { buffer } from 'node:stream/consumers';
import type { MailMessage } from 'nodemailer';
import type { SentAttachment, SentMessage } from './sent-message.js';

type Given = NonNullable<MailMessage['data']['attachments']>[number];

/** Reads a message as a mail server does: to its last byte. */
export async function recordOf(mail: MailMessage): Promise<SentMessage> {
  const { data, message } = mail;
  const envelope = message.getEnvelope();
  // First, because what the message is made of may be a stream, which can be read once.
  const raw = (await buffer(message.createReadStream())).toString('utf8');
  const headers = headersOf(raw);
  return {
    to: addressesOf(message.getAddresses().to),
    from: addressesOf(message.getAddresses().from),
    subject: typeof data.subject === 'string' ? data.subject : '',
    html: textOf(data.html),
    text: textOf(data.text),
    headers,
    attachments: await Promise.all((data.attachments ?? []).map((_, n) => attachmentOf(mail, n))),
    messageId: message.messageId(),
    envelope: { from: envelope.from || '', to: envelope.to },
    raw,
  };
}

function addressesOf(list: unknown): string {
  if (!Array.isArray(list)) return '';
  return list.map(({ address }: { address?: string }) => address ?? '').join(', ');
}

function textOf(value: unknown): string | null {
  if (typeof value === 'string') return value;
  return Buffer.isBuffer(value) ? value.toString('utf8') : null;
}

function headersOf(raw: string): Record<string, string> {
  const [head] = raw.split(/\r?\n\r?\n/, 1);
  const lines = head.replaceAll(/\r?\n[ \t]+/g, ' ').split(/\r?\n/);
  return Object.fromEntries(
    lines.map((line) => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
    }),
  );
}

async function attachmentOf(mail: MailMessage, n: number): Promise<SentAttachment> {
  const given = mail.data.attachments?.[n] as Given;
  const { filename, contentType, cid } = given;
  return {
    filename: typeof filename === 'string' ? filename : null,
    contentType: typeof contentType === 'string' ? contentType : null,
    cid: cid ?? null,
    content: await contentOf(mail, n, given),
  };
}

async function contentOf(mail: MailMessage, n: number, { content, encoding }: Given): Promise<Buffer | null> {
  if (Buffer.isBuffer(content)) return content;
  if (typeof content === 'string') return Buffer.from(content, encoding as BufferEncoding | undefined);
  // A stream has been read by now.
  if (content !== undefined && content !== null) return null;
  const resolved = (await mail.resolveContent(mail.data.attachments as never, n)) as Buffer | string;
  return Buffer.from(resolved);
}
