import { cpuMsOf } from '../cpu-time.js';
import { bytesReadBy, type MailSink } from './mail-sink.js';
import type { MailServer } from '../scaling/scaling.round.js';

/** Used without the sink of postfix: the distant mail server without its delay. */
export class NodeMailSink implements MailSink {
  private constructor(
    private readonly server: MailServer,
    readonly url: string,
  ) {}

  static async over(server: MailServer): Promise<NodeMailSink> {
    return new NodeMailSink(server, await server.ask('url'));
  }

  bytes(): Promise<number | null> {
    return bytesReadBy(this.server.pid);
  }

  cpuMs(): Promise<number | null> {
    return cpuMsOf(this.server.pid);
  }

  stop(): Promise<void> {
    return this.server.end();
  }
}
