import { randomBytes } from 'node:crypto';
import type { EmailMessage } from 'nestjs-mailing';
import type * as EncoderModule from '../../libs/mailing/src/delivery/mime/message.encoder.js';

// Processor time of making one message with a file of its own, beside one without, of the build:
// npm run build && node --import tsx/esm bench/measures/own-attachments.process.ts
const path = '../../dist/libs/mailing/src/delivery/mime/message.encoder.js';
const { MessageEncoder } = (await import(new URL(path, import.meta.url).href)) as typeof EncoderModule;

const SIZES_KB = [0, 10, 100, 1_000];
const WARM_UP = 50;

for (const kilobytes of SIZES_KB) {
  const encoder = new MessageEncoder('smtp');
  const files = Array.from({ length: 20 }, () => randomBytes(kilobytes * 1_000));
  const make = async (n: number): Promise<void> => {
    const own = [{ filename: 'invoice.pdf', content: files[n % files.length] }];
    const message: EmailMessage = {
      messageId: `<${n}@shop.example>`,
      from: { name: 'The Shop', address: 'news@shop.example' },
      to: { name: 'Ann', address: 'ann@home.example' },
      subject: 'Your invoice',
      html: '<p>Dear Ann</p>',
      text: 'Dear Ann',
      headers: { 'X-Mailing-Id': 'bench' },
      attachments: kilobytes > 0 ? own : undefined,
    };
    encoder.letter(message, true, (await encoder.attachmentsOf(message)) ?? undefined);
  };
  const messages = kilobytes >= 1_000 ? 100 : 1_000;
  for (let n = 0; n < WARM_UP; n++) await make(n);
  const before = process.cpuUsage();
  for (let n = 0; n < messages; n++) await make(n);
  const { user, system } = process.cpuUsage(before);
  console.log(
    `${kilobytes} KB: ${((user + system) / 1_000 / messages).toFixed(2)} ms of CPU for each message`,
  );
}
