/** What an application has installed. */
export interface Installation {
  nest: 11 | 12;
  typescript: '5.9.3' | '6.0.3';
  runner: 'jest 29' | 'jest 30' | 'vitest';
  typeorm: '0.3.20' | '0.3.31' | '1.1.1';
  /** `linked`: `npm install --install-strategy=linked`; a package finds what it declares, and nothing else. */
  layout: 'hoisted' | 'linked';
}

/** How an application is compiled and run. */
export interface HostCell extends Installation {
  /** `module` of tsconfig.json; `bundler` is `esnext` with `moduleResolution: bundler`. `commonjs` stands without `moduleResolution`. */
  module: 'commonjs' | 'node16' | 'nodenext' | 'bundler';
  node: 20 | 22 | 24;
}

const RUNNERS = ['jest 29', 'jest 30', 'vitest'] as const;

/** Every choice of `nest`, `module`, `typescript`, `runner` and `node` that can work. The rest is spread over them. */
export const ALL: HostCell[] = [];
for (const nest of [11, 12] as const)
  for (const [n, typescript] of (['5.9.3', '6.0.3'] as const).entries())
    for (const [m, runner] of RUNNERS.entries())
      for (const module of ['commonjs', 'node16', 'nodenext', 'bundler'] as const)
        for (const node of [20, 22, 24] as const)
          if (canMeet(nest, module, runner)) {
            const typeorm = (['0.3.20', '0.3.31', '1.1.1'] as const)[(n + m + nest) % 3];
            ALL.push({
              nest,
              module,
              typescript,
              runner,
              node,
              typeorm,
              layout: (n + m) % 2 ? 'linked' : 'hoisted',
            });
          }

/** Nest 12 is ES modules, which Jest can not load before Node 24.9, and which a bundler needs not know. `bundler` emits ES modules. */
function canMeet(nest: number, module: HostCell['module'], runner: HostCell['runner']): boolean {
  if (nest === 12) return module !== 'commonjs' && runner === 'vitest';
  return (module === 'bundler') === (runner === 'vitest');
}

/** Eight cells in which any two choices meet that can meet at all. */
export const PAIRS: HostCell[] = ALL.filter(({ nest, module, typescript, runner, node }) =>
  [
    '11 commonjs 5.9.3 jest 29 20',
    '11 commonjs 6.0.3 jest 30 22',
    '11 node16 5.9.3 jest 30 24',
    '11 nodenext 6.0.3 jest 29 22',
    '11 bundler 6.0.3 vitest 24',
    '12 nodenext 6.0.3 vitest 20',
    '12 bundler 5.9.3 vitest 22',
    '12 node16 6.0.3 vitest 24',
  ].includes(`${nest} ${module} ${typescript} ${runner} ${node}`),
);

export const nameOf = ({ nest, module, typescript, runner, node, typeorm, layout }: HostCell): string =>
  `Nest ${nest}, module ${module}, TypeScript ${typescript}, ${runner}, Node ${node}, TypeORM ${typeorm}, ${layout} packages`;
