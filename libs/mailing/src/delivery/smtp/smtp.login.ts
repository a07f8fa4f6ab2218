import type { Transporter } from 'nodemailer';
import type SmtpConnection from 'nodemailer/lib/smtp-connection';
import XOAuth2 from 'nodemailer/lib/xoauth2';

/** The login options of a transport. */
export interface LoginOptions {
  auth?: SmtpConnection.AuthenticationType & { service?: string };
  /** The method where `auth` names none. */
  authMethod?: string;
  /** Log in even if the server does not offer it. */
  forceAuth?: boolean;
}

/** How to log in, derived from the options as nodemailer's own transports do it. */
export interface SmtpLogin {
  isForced: boolean;
  /** A new object for each connection, because nodemailer writes into it. */
  toAuth(): SmtpConnection.AuthenticationType;
}

/** OAuth2 tokens by the host's `auth` object; all connections share them. */
const tokens = new WeakMap<object, XOAuth2>();

/** @returns null if the options need no login. */
export function loginOf(options: LoginOptions, transporter: Transporter): SmtpLogin | null {
  const { auth, authMethod, forceAuth = false } = options;
  if (!auth || (!auth.user && !auth.pass && !auth.service)) return null;
  const type = String(auth.type ?? '').toUpperCase();
  if (type === 'OAUTH2') {
    const oauth2 = tokensOf(auth, transporter);
    return { isForced: forceAuth, toAuth: () => ({ type, user: auth.user, oauth2, method: 'XOAUTH2' }) };
  }
  const method = String(auth.method || authMethod || '').toUpperCase() || false;
  return {
    isForced: forceAuth,
    toAuth: () => ({
      type: type || 'LOGIN',
      user: auth.user,
      pass: auth.pass,
      options: auth.options,
      method,
    }),
  };
}

function tokensOf(auth: object, transporter: Transporter): XOAuth2 {
  let oauth2 = tokens.get(auth);
  if (!oauth2) {
    oauth2 = new XOAuth2(auth);
    const own = transporter.get('oauth2_provision_cb') as XOAuth2['provisionCallback'];
    if (own) oauth2.provisionCallback = own;
    oauth2.on('token', (token) => transporter.emit('token', token));
    // The connection that logs in gets this error as well; without a listener it would end the process.
    oauth2.on('error', () => undefined);
    tokens.set(auth, oauth2);
  }
  return oauth2;
}
