import type { Reply } from './reply.parser.js';

/** The command whose reply is awaited. */
export type SmtpStep = 'MAIL FROM' | 'RCPT TO' | 'DATA' | 'BODY' | 'RSET';

/** In the form of nodemailer's errors, so that one classifier serves both senders. */
export interface SmtpError {
  code: string;
  command: string;
  message?: string;
  responseCode?: number;
  response?: string;
}

/** Enhanced code of a 421. It is about one message, so it is removed for the other messages that the closed connection ends. */
const CODE_OF_ONE = /^(421[ -])#?[245]\.\d+\.\d+ ?/;

export function errorOf({ status, text }: Reply, step: SmtpStep | 'CONN'): SmtpError {
  const command = step === 'BODY' ? 'DATA' : step;
  return { code: 'EENVELOPE', command, responseCode: status, response: text };
}

/** The error of messages whose connection broke before the server answered them. */
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

/** Marks an error that is no answer to a message as one of the connection. A code or command that it has is kept. */
export function asOfTransport(error: unknown): object {
  const {
    code = 'ECONNECTION',
    command = 'CONN',
    message,
    ...rest
  } = (error ?? {}) as Record<string, unknown>;
  return { ...rest, code, command, message };
}
