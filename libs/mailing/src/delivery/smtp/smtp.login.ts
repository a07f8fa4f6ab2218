import type { Transporter } from 'nodemailer';
import type SmtpConnection from 'nodemailer/lib/smtp-connection';
import XOAuth2 from 'nodemailer/lib/xoauth2';

/** Options of a transport that are about its login. */
export interface LoginOptions {
  auth?: SmtpConnection.AuthenticationType & { service?: string };
  /** The method where `auth` names none. */
  authMethod?: string;
  /** Also where the server does not offer it. */
  forceAuth?: boolean;
}

/** How to log in; as nodemailer's own transports make it of their options. */
export interface SmtpLogin {
  isForced: boolean;
  /** Anew for each connection, because nodemailer writes into it. */
  toAuth(): SmtpConnection.AuthenticationType;
}

/** Tokens are kept there, and shared by all connections. */
const tokens = new WeakMap<object, XOAuth2>();

/** Null: without. */
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
    // Whoever logs in hears of it, too.
    oauth2.on('error', () => undefined);
    tokens.set(auth, oauth2);
  }
  return oauth2;
}
