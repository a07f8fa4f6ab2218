import { spawn, type SpawnOptions } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { Client } from 'ldapts';
import { freePort } from '../network/free-port.js';
import { type LdapEntry, toLdif } from './ldif.js';
import { openLdapPrograms, type OpenLdapPrograms } from './open-ldap.programs.js';
import { PrivateServer, serverDirectory } from './private-server.js';

export const SUFFIX = 'dc=shop,dc=example';
/** The login that may read everything and change nothing. Without a login nothing is visible. */
export const READER = { bindDn: `cn=reader,${SUFFIX}`, bindPassword: 'reads only' };
const ADMIN = { bindDn: `cn=admin,${SUFFIX}`, bindPassword: 'may do all' };

export interface LdapServerOptions {
  /** Below the suffix, parents first. */
  entries?: readonly LdapEntry[];
  /** Maximum of entries in one answer and in one page. Default: no limit. */
  sizeLimit?: number;
  /** Files in PEM; the server then offers StartTLS, and has a port for TLS from the beginning. */
  tls?: { key: string; cert: string };
}

const ROOT_ENTRIES: readonly LdapEntry[] = [
  { dn: SUFFIX, objectClass: ['dcObject', 'organization'], dc: 'shop', o: 'Shop' },
  {
    dn: READER.bindDn,
    objectClass: ['organizationalRole', 'simpleSecurityObject'],
    cn: 'reader',
    userPassword: READER.bindPassword,
  },
];

/** OpenLDAP with default durability, because tests kill it and expect its data to survive. */
export class LdapServer extends PrivateServer {
  protected readonly orderlySignal = 'SIGTERM';

  private constructor(
    private readonly programs: OpenLdapPrograms,
    directory: string,
    private readonly options: LdapServerOptions,
    private readonly securePort: number,
  ) {
    super(programs.server, directory);
  }

  static async create(options: LdapServerOptions = {}): Promise<LdapServer> {
    const programs = await openLdapPrograms();
    const securePort = options.tls ? await freePort() : 0;
    const server = new LdapServer(programs, await serverDirectory('ldap'), options, securePort);
    return server.startAfter(() => server.fill([...ROOT_ENTRIES, ...(options.entries ?? [])]));
  }

  get url(): string {
    return `ldap://127.0.0.1:${this.port}`;
  }

  /** With TLS from the beginning. */
  get secureUrl(): string {
    return `ldaps://127.0.0.1:${this.securePort}`;
  }

  /** As its administrator, on a connection of its own. */
  async change(work: (client: Client) => Promise<unknown>): Promise<void> {
    const client = new Client({ url: this.url, timeout: 5_000, connectTimeout: 2_000 });
    try {
      await client.bind(ADMIN.bindDn, ADMIN.bindPassword);
      await work(client);
    } finally {
      await client.unbind();
    }
  }

  protected override get spawnOptions(): SpawnOptions {
    const libraries = [...this.programs.libraries, process.env.LD_LIBRARY_PATH].filter(Boolean);
    return { env: { ...process.env, LD_LIBRARY_PATH: libraries.join(delimiter) }, cwd: this.directory };
  }

  protected arguments(): string[] {
    const urls = this.options.tls ? `${this.url}/ ${this.secureUrl}/` : `${this.url}/`;
    // It stays in the foreground and writes to its log.
    return ['-d', 'none', '-h', urls, '-f', this.configuration];
  }

  protected async greet(): Promise<void> {
    const client = new Client({ url: this.url, timeout: 2_000, connectTimeout: 2_000 });
    try {
      await client.search('', { scope: 'base', attributes: ['namingContexts'] });
    } finally {
      await client.unbind();
    }
  }

  private get configuration(): string {
    return join(this.directory, 'slapd.conf');
  }

  private async fill(entries: readonly LdapEntry[]): Promise<void> {
    await mkdir(this.dataDirectory);
    await writeFile(this.configuration, this.configurationText());
    const ldif = join(this.directory, 'entries.ldif');
    await writeFile(ldif, toLdif(entries));
    const words = ['-T', 'add', '-q', '-f', this.configuration, '-l', ldif];
    const child = spawn(this.programs.server, words, {
      ...this.spawnOptions,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let said = '';
    child.stderr?.on('data', (text) => (said += text));
    const [code] = (await once(child, 'close')) as [number | null];
    if (code !== 0) throw new Error(`slapd could not load the entries: ${said.slice(-2000)}`);
  }

  private configurationText(): string {
    const { schemas, modules } = this.programs;
    const { sizeLimit, tls } = this.options;
    const most = sizeLimit ?? 'unlimited';
    return [
      ...['core', 'cosine', 'inetorgperson'].map((name) => `include ${join(schemas, `${name}.schema`)}`),
      ...(modules ? [`modulepath ${modules}`, 'moduleload back_mdb'] : []),
      ...(tls ? [`TLSCertificateFile ${tls.cert}`, `TLSCertificateKeyFile ${tls.key}`] : []),
      'database mdb',
      `suffix "${SUFFIX}"`,
      `rootdn "${ADMIN.bindDn}"`,
      `rootpw "${ADMIN.bindPassword}"`,
      `directory ${this.dataDirectory}`,
      'maxsize 104857600',
      'index objectClass eq',
      `limits * size=${most} size.pr=${most} size.prtotal=unlimited`,
      'access to attrs=userPassword by anonymous auth',
      'access to * by users read by * none',
      '',
    ].join('\n');
  }
}

/** Starts a private OpenLDAP server; fetches OpenLDAP first if it is missing and this process may do so. */
export function startLdap(options?: LdapServerOptions): Promise<LdapServer> {
  return LdapServer.create(options);
}
