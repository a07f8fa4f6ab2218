import { answerParent, cpuMs } from '../answer-parent.js';
import { type Received, SlowMailServer } from './slow-mail-server.js';

/** The slow mail server as a process of its own, with an event loop of its own. */
export interface SlowMailServerSettings {
  replyMs: number;
  /** Default: false, so it answers one command after the other. */
  isFar?: boolean;
}

/** Questions of its parent. */
export interface SlowMailServerAnswers {
  url(): string;
  expect(facts: { recipients: number }): void;
  /** Answers once all expected recipients have got a message. */
  allReceived(): Promise<void>;
  received(): Received;
  /** Open connections. */
  connections(): number;
  /** Processor time of this process since its start. */
  cpuMs(): number;
}

const { replyMs, isFar } = JSON.parse(process.argv[2]) as SlowMailServerSettings;
let tellAll: () => void = () => undefined;
let all: Promise<void> = Promise.resolve();
const server = new SlowMailServer(replyMs, () => tellAll(), isFar);
const url = await server.listen();

answerParent<SlowMailServerAnswers>({
  url: () => url,
  expect: ({ recipients }) => {
    all = new Promise((resolve) => (tellAll = resolve));
    server.expect(recipients);
  },
  allReceived: () => all,
  received: () => server.received(),
  connections: () => server.numConnections,
  cpuMs,
});
