import { ApiMessageSender, ApiSendError } from 'nestjs-mailing';

/** As a host writes it: one request for each message. */
export function postSender(url: string): ApiMessageSender {
  return new ApiMessageSender({
    send: async ({ to, messageId }, { idempotencyKey, signal }) => {
      const response = await fetch(url, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', 'Idempotency-Key': idempotencyKey },
        body: JSON.stringify({ to: to.address, messageId }),
        redirect: 'manual',
        signal,
      });
      if (!response.ok) throw await ApiSendError.from(response);
    },
  });
}
