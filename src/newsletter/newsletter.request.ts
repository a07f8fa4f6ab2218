import { BadRequestException } from '@nestjs/common';
import type { TemplateEmailInfo } from 'nestjs-mailing';
import { z } from 'zod';

/** Bounds for the texts of the newsletter. The plugin checks header values itself and reports its own bounds. */
const letter = {
  name: z.string().max(255).optional(),
  subject: z.string(),
  from: z.string(),
  replyTo: z.string().optional(),
  headline: z.string().max(1_000),
  text: z.string().max(100_000),
};

const withRecipients = z.strictObject({
  ...letter,
  batched: z.boolean().optional(),
  recipients: z.array(
    z.union([
      z.string(),
      z.strictObject({
        email: z.string(),
        name: z.string().optional(),
        data: z.record(z.string(), z.unknown()).optional(),
      }),
    ]),
  ),
});

const withUpload = z.strictObject({
  ...letter,
  // The fields of a form are strings.
  batched: z
    .enum(['true', 'false'])
    .transform((text) => text === 'true')
    .optional(),
});

export type NewsletterRequest = z.infer<typeof withRecipients>;

/** @throws BadRequestException naming each invalid field. */
export function parseNewsletter(body: unknown): NewsletterRequest {
  return parse(withRecipients, body);
}

/** The same check for a form that has its recipients in a file. */
export function parseNewsletterForm(body: unknown): z.infer<typeof withUpload> {
  return parse(withUpload, body);
}

/** The info for the plugin. */
export function toInfo({
  name,
  subject,
  from,
  replyTo,
  batched,
  headline,
  text,
}: z.infer<typeof withUpload>): TemplateEmailInfo {
  return {
    name,
    subject,
    from,
    replyTo,
    batched,
    templateUrl: 'newsletter.hbs',
    altTemplateUrl: 'newsletter.text.hbs',
    params: { headline, text },
  };
}

function parse<T>(schema: z.ZodType<T>, body: unknown): T {
  const result = schema.safeParse(body);
  if (result.success) return result.data;
  throw new BadRequestException(
    result.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`),
  );
}
