import type { SMTPServerOptions } from 'smtp-server';
import { describe, expect, it } from 'vitest';
import { SmtpInbox } from '../support/network/smtp-inbox.js';
import { senderRig } from './sender-rig.js';

const TRUSTING = { tls: { rejectUnauthorized: false } };

/** How the connection is encrypted; the protocol of the URL. */
const WAYS: [string, string, SMTPServerOptions, object][] = [
  ['STARTTLS', 'smtp:', {}, { requireTLS: true, ...TRUSTING }],
  ['TLS from the first byte', 'smtps:', { secure: true }, TRUSTING],
];

const TOKEN = { type: 'OAuth2', user: 'shop', accessToken: 'token', expires: Date.now() + 3_600_000 };

describe.each(WAYS)('bulkSmtp over %s', (_way, protocol, server, transport) => {
  it.each([
    ['PLAIN', { user: 'shop', pass: 'secret' }],
    ['LOGIN', { user: 'shop', pass: 'secret' }],
    ['CRAM-MD5', { user: 'shop', pass: 'secret' }],
    ['XOAUTH2', TOKEN],
  ])('logs in by %s, on each connection', async (method, auth) => {
    const logins: object[] = [];
    const letIn: (() => void)[] = [];
    // No login is answered before both connections are open, or the first one may carry both messages.
    const onAuth: SMTPServerOptions['onAuth'] = (login, _session, done) => {
      const { method: by, username, password, accessToken } = login;
      logins.push({ by, username, ...(password && { password }), ...(accessToken && { accessToken }) });
      letIn.push(() => done(null, { user: username }));
      if (letIn.length === 2) for (const open of letIn) open();
    };
    await using inbox = await SmtpInbox.start({
      server: { ...server, authMethods: [method], disabledCommands: [], onAuth },
    });
    await using rig = await senderRig(inbox.url.replace('smtp:', protocol), {
      isBulk: true,
      transport: { ...transport, auth, maxConnections: 2 },
    });
    rig.sender.prepare();

    const handOvers = await Promise.all([rig.send(), rig.send()]);

    expect(handOvers).toEqual([{ kind: 'accepted' }, { kind: 'accepted' }]);
    expect(logins).toHaveLength(2);
    expect(logins).toMatchObject(
      logins.map(() => ({
        by: method,
        username: 'shop',
        ...(method === 'XOAUTH2' && { accessToken: 'token' }),
        ...(/PLAIN|LOGIN/.test(method) && { password: 'secret' }),
      })),
    );
  });

  it('trusts no self-signed certificate', async () => {
    await using inbox = await SmtpInbox.start({ server: { ...server, disabledCommands: ['AUTH'] } });
    await using rig = await senderRig(inbox.url.replace('smtp:', protocol), {
      isBulk: true,
      transport: { ...transport, tls: {} },
    });
    rig.sender.prepare();

    expect(await rig.send()).toMatchObject({ kind: 'not_begun', blame: 'transport' });
    expect(inbox.messages).toEqual([]);
  });
});
