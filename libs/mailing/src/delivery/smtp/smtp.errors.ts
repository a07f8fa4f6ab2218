import type { Reply } from './reply.parser.js';

/** What is waited for. */
export type SmtpStep = 'MAIL FROM' | 'RCPT TO' | 'DATA' | 'BODY' | 'RSET';

/** As nodemailer tells it, so that one classifier serves both senders. */
export interface SmtpError {
  code: string;
  command: string;
  message?: string;
  responseCode?: number;
  response?: string;
}

/** What a farewell says of one mailbox is not said of those whose messages it ends as well. */
const CODE_OF_ONE = /^(421[ -])#?[245]\.\d+\.\d+ ?/;

export function errorOf({ status, text }: Reply, step: SmtpStep | 'CONN'): SmtpError {
  const command = step === 'BODY' ? 'DATA' : step;
  return { code: 'EENVELOPE', command, responseCode: status, response: text };
}

/** For those whose connection is gone, and to whom nothing was said. */
export function connectionError(error: unknown): SmtpError {
  const { responseCode, response, message } = error as Partial<SmtpError>;
  return {
    code: 'ECONNECTION',
    command: 'CONN',
    message: message ?? response ?? String(error),
    responseCode,
    response: response?.replace(CODE_OF_ONE, '$1'),
  };
}

/** What has nothing to do with a message is about the connection, whatever it says. */
export function asOfTransport(error: unknown): object {
  const {
    code = 'ECONNECTION',
    command = 'CONN',
    message,
    ...rest
  } = (error ?? {}) as Record<string, unknown>;
  const text = error instanceof Error ? error.message : message;
  return { ...rest, code, command, message: text };
}
