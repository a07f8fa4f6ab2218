import type { networkInterfaces } from 'node:os';
import { describe, expect, it } from 'vitest';
import { readPidNamespace } from '../../../libs/mailing/src/work/servers/pid-namespace.js';

type Interfaces = ReturnType<typeof networkInterfaces>;
type Address = NonNullable<Interfaces[string]>[number];

const address = (mac: string, more: object = {}): Address =>
  ({ family: 'IPv4', internal: false, mac, ...more }) as Address;

const ETHERNET = address('02:00:5e:10:00:01');
const WIRELESS = address('02:00:5e:10:00:02');

describe('the pid namespace where there is no file that names it', () => {
  const on = (platform: NodeJS.Platform, interfaces: Interfaces): string | null =>
    readPidNamespace(platform, () => interfaces);

  it.each<NodeJS.Platform>(['darwin', 'win32'])('%s: is that of the machine, by its networks', (platform) => {
    const here = on(platform, { en0: [ETHERNET], en1: [WIRELESS] });
    expect(here).toMatch(new RegExp(`^${platform}/[0-9a-f]{32}`));
    expect(on(platform, { b: [WIRELESS], a: [ETHERNET, ETHERNET] })).toBe(here);
    // Another machine may have the same host name, and the pids of its processes say nothing here.
    expect(on(platform, { en0: [address('02:00:5e:10:00:09')] })).not.toBe(here);
    expect(on(platform, { en0: [ETHERNET] })).not.toBe(here);
  });

  it('is not known without a network of its own: then only the lease tells whether a process lives', () => {
    const none: Interfaces = {
      lo0: [address('00:00:00:00:00:00', { internal: true })],
      utun0: [address('00:00:00:00:00:00')],
      // macOS changes these from hour to hour.
      awdl0: [address('02:00:5e:10:00:07', { family: 'IPv6' })],
    };
    expect(on('darwin', none)).toBeNull();
    expect(on('darwin', {})).toBeNull();
    const broken = readPidNamespace('win32', () => {
      throw new Error('no networks');
    });
    expect(broken).toBeNull();
  });
});
