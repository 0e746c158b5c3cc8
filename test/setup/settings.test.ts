/** `.env.example` is where people look for settings, and what set-up copies. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { describe, expect, test } from 'vitest';
import { environmentAt, loadConfig, settingNames } from '../../temporal/config.ts';

const example = readFileSync(join(loadConfig({}).root, '.env.example'), 'utf8');
const shown = parseEnv(example.replaceAll(/^#(?=[A-Z_]+=)/gm, ''));

test('every setting is in .env.example, and no other', () => {
  // These are the system's own, which we only read: they are told of, and not set in a file of ours.
  const foreign = ['DOCKER_HOST', 'XDG_RUNTIME_DIR'];
  expect(Object.keys(shown).sort()).toEqual(settingNames.filter((name) => !foreign.includes(name)).sort());
  for (const name of foreign) expect(example).toMatch(new RegExp(`^# .*\\b${name}\\b`, 'm'));
});

test('the values in it are the defaults', () => {
  const given = Object.entries(shown).filter(([, value]) => value !== '');
  expect(given.length).toBeGreaterThan(10);
  expect(loadConfig(Object.fromEntries(given))).toEqual(loadConfig({}));
});

describe('a process beside a running stack', () => {
  const places = { temporal: { address: '127.0.0.1:7234' }, container: { host: 'unix:///stack.sock' } };
  const address = '127.0.0.1:7233';
  const host = 'unix:///own.sock';
  const seen = (environment: NodeJS.ProcessEnv) => {
    const { temporal, container } = loadConfig(environmentAt(places, environment));
    return [temporal.address, container.host];
  };

  test('goes to the places of the stack where its environment names none', () => {
    expect(seen({})).toEqual([places.temporal.address, places.container.host]);
    expect(seen({ AAS_TEMPORAL_ADDRESS: '', AAS_CONTAINER_HOST: ' ' })).toEqual(seen({}));
    expect(environmentAt(places, { HOST_ID: 'second' })).toMatchObject({ HOST_ID: 'second' });
  });

  test('and to those that its environment names, the default ones too', () => {
    expect(seen({ AAS_TEMPORAL_ADDRESS: address })).toEqual([address, places.container.host]);
    expect(seen({ AAS_CONTAINER_HOST: host })).toEqual([places.temporal.address, host]);
    expect(seen({ DOCKER_HOST: host })).toEqual([places.temporal.address, host]);
  });
});
