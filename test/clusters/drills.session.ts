import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { DatabaseCluster, Topology } from './database-cluster.js';
import type { DrillName } from './drill.js';
import type { ProcessWatch } from './drill.hosts.js';
import { runDrill } from './drill.round.js';
import { DRILLS, fittingDrills, SHORT } from './drill.table.js';
import type { DrillVerdict } from './drill.verdict.js';
import type { DrillsOptions } from './drills.options.js';
import { START } from './topologies.js';

/** Results of one drill on one topology: sums over its rounds, and the longest gaps. */
export interface DrillLine extends DrillVerdict {
  topology: Topology;
  drill: DrillName;
  rounds: number;
}

export interface DrillsReport {
  seed: number;
  drills: DrillLine[];
  /** Over all drills. */
  sums: Pick<DrillLine, 'rounds' | 'duplicates' | 'missing' | 'inDoubt' | 'bound' | 'longestGapSeconds'>;
  /** Drills without time left. */
  notRun: string[];
  /** Faults of the suite itself; with any of these the session proves nothing. */
  faults: string[];
}

export interface SessionParts extends Pick<DrillsOptions, 'seed' | 'topologies' | 'drills' | 'short'> {
  /** Folder of logs. */
  folder: string;
  watch: ProcessWatch;
  stop: AbortSignal;
  say: (line: string) => void;
  /** Checked before each drill. */
  goOn: () => boolean;
}

/**
 * Runs the drills on one topology after another, again and again with the next seed, while there is time. A cluster serves all
 * its drills. If the suite fails, it goes on with the next topology, because that cluster can not serve another drill.
 */
export class DrillsSession {
  private readonly report: DrillsReport;

  private constructor(private readonly parts: SessionParts) {
    const sums = { rounds: 0, duplicates: 0, missing: 0, inDoubt: 0, bound: 0, longestGapSeconds: 0 };
    this.report = { seed: parts.seed, drills: [], sums, notRun: [], faults: [] };
  }

  static async run(parts: SessionParts): Promise<DrillsReport> {
    const session = new DrillsSession(parts);
    for (let pass = 0; pass === 0 || (parts.goOn() && !parts.short && session.isSound); pass++) {
      for (const topology of parts.topologies) await session.#onTopology(topology, pass);
    }
    return session.report;
  }

  private get isSound(): boolean {
    return this.report.faults.length === 0;
  }

  async #onTopology(topology: Topology, pass: number): Promise<void> {
    const { stop, say, goOn } = this.parts;
    const seed = this.parts.seed + pass;
    if (!goOn()) return pass === 0 ? this.#leaveOut(topology, this.parts.drills) : undefined;
    try {
      const begunAt = performance.now();
      await using cluster = await START[topology]!();
      say(`${topology} is up after ${((performance.now() - begunAt) / 1_000).toFixed(1)} s.`);
      for (const drill of fittingDrills(this.#names, cluster)) {
        if (goOn()) await this.#drill(cluster, drill, seed);
        else this.#leaveOut(topology, [drill]);
      }
    } catch (error) {
      if (stop.aborted) return;
      const fault = `${topology}, seed ${seed}: ${error instanceof Error ? error.stack : String(error)}`;
      this.report.faults.push(fault);
      say(`FAULT: ${fault}`);
    }
  }

  get #names(): DrillName[] {
    const { drills, short } = this.parts;
    return short ? drills.filter((name) => SHORT[name]) : drills;
  }

  async #drill(cluster: DatabaseCluster, name: DrillName, seed: number): Promise<void> {
    const { short, say, watch, stop } = this.parts;
    const folder = join(this.parts.folder, `${cluster.topology}-${name}-${seed}`);
    await mkdir(folder, { recursive: true });
    say(`${cluster.topology}, ${name}, seed ${seed}:`);
    const drill = (short && SHORT[name]) || DRILLS[name];
    const verdict = await runDrill(drill, { cluster, seed, folder, watch, stop, say });
    this.#add({ topology: cluster.topology, drill: name, rounds: 1, ...verdict });
    say(`  ${wordsOf(verdict)}`);
  }

  #add(line: DrillLine): void {
    const { drills, sums } = this.report;
    const before = drills.find(({ topology, drill }) => topology === line.topology && drill === line.drill);
    if (before) addUp(before, line);
    else drills.push(line);
    addUp(sums, line);
  }

  #leaveOut(topology: Topology, drills: readonly DrillName[]): void {
    for (const drill of drills) {
      const wasRun = this.report.drills.some((line) => line.topology === topology && line.drill === drill);
      if (!wasRun) this.report.notRun.push(`${topology} ${drill}`);
    }
  }
}

/** Whether the promise was kept in every drill, and there was one. */
export function isKept({ drills }: DrillsReport): boolean {
  return drills.length > 0 && drills.every(({ complaints }) => complaints.length === 0);
}

/** Adds counts, keeps the longest gaps, and joins complaints. */
function addUp<T extends object>(to: T, line: DrillLine): void {
  const into = to as Record<string, unknown>;
  for (const [name, value] of Object.entries(line)) {
    const before = into[name];
    if (typeof before === 'number') {
      into[name] = name.endsWith('Seconds') ? Math.max(before, value as number) : before + (value as number);
    } else if (Array.isArray(before)) {
      before.push(...(value as unknown[]));
    }
  }
}

function wordsOf(verdict: DrillVerdict): string {
  const { received, inDoubt, bound, longestGapSeconds, clusterGapSeconds, hostsLost, runsLost, complaints } =
    verdict;
  const facts =
    `${received} received, ${inDoubt} in doubt (${bound} is the most), ${hostsLost} hosts lost, ${runsLost} runs lost, ` +
    `no message for ${longestGapSeconds} s, no write for ${clusterGapSeconds} s`;
  return complaints.length === 0 ? `kept: ${facts}` : `BROKEN: ${complaints.join('; ')} (${facts})`;
}
