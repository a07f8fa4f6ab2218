import { tmpdir } from 'node:os';
import { describe, expect, it } from 'vitest';
import { OPTION_SECTIONS, type OptionSection } from '../../scripts/pages/option.sections.js';
import { readOptions } from '../../libs/mailing/src/model/options/option-group.js';
import { type OptionFault, OptionPlace } from '../../libs/mailing/src/model/options/option-place.js';

type Given = Record<string, unknown>;

const view = { findByIds: () => Promise.resolve(new Map()) };

/** What is required, and enough of each group that turns a feature on. */
const GIVEN: Given = {
  'At the top': {
    templates: { dir: tmpdir() },
    journal: { dir: '/not/there/yet' },
    unsubscribe: { mailto: 'leave@shop.example' },
  },
  'nestjs-mailing/bullmq': { connection: 'redis://localhost:6379' },
  'nestjs-mailing/ldap': { url: 'ldap://ldap.example' },
  'nestjs-mailing/ldap: the search of `recipientsFromLdap`': { base: 'o=shop', filter: '(cn=*)' },
  'nestjs-mailing/ldap: `CompositeProfileRepository`': { primary: view, secondary: view },
};

class Refusal extends Error {
  constructor(readonly fault: OptionFault) {
    super(fault.expected);
  }
}

const AT = new OptionPlace('', (fault) => new Refusal(fault));

/** What is read, or what is refused. */
function outcomeOf({ schema }: OptionSection, given: Given): unknown {
  try {
    return readOptions(AT, schema, given);
  } catch (error) {
    const { option, expected } = (error as Refusal).fault;
    return { option, expected };
  }
}

/** The options, with another value at a path; undefined: without it. */
function withValue(given: Given, [name, ...inner]: string[], value: unknown): Given {
  if (inner.length > 0) return { ...given, [name]: withValue((given[name] ?? {}) as Given, inner, value) };
  const { [name]: _, ...others } = given;
  return value === undefined ? others : { ...others, [name]: value };
}

/** The path of each option, also in groups. */
function pathsOf(schema: OptionSection['schema'], group: string[] = []): string[][] {
  return Object.entries(schema).flatMap(([name, kind]) => {
    const path = [...group, name];
    return [path, ...(kind.schema ? pathsOf(kind.schema, path) : [])];
  });
}

describe.each(OPTION_SECTIONS.map((section) => [section.heading, section] as const))(
  '%s',
  (heading, section) => {
    const given = (GIVEN[heading] ?? {}) as Given;

    it('takes what it needs', () => {
      expect(outcomeOf(section, given)).not.toHaveProperty('expected');
    });

    it.each(pathsOf(section.schema).map((path) => [path.join('.'), path] as const))(
      'takes null for absent: %s',
      (_, path) => {
        const absent = outcomeOf(section, withValue(given, path, undefined));
        expect(outcomeOf(section, withValue(given, path, null))).toEqual(absent);
      },
    );
  },
);
