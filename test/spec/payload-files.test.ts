import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { specDigest } from '../../src/spec/digest.js';
import { loadSpec, type LoadedSpec } from '../../src/spec/load.js';
import { folderWith } from './helpers.js';

async function loadWith(event: string, check = 'payloadFile: events/health.json'): Promise<LoadedSpec> {
  const text = `version: 1\nfunctions:\n  a: { aliases: { live: { healthCheck: { ${check} } } } }\n`;
  const cwd = await folderWith({ 'lambda.deploy.yaml': text, 'events/health.json': event });
  return loadSpec({ cwd, variables: { NAME: 'health' } });
}

const checkOf = ({ functions }: LoadedSpec) => functions[0]?.aliases[0]?.healthChecks[0];
const digestOf = ({ functions }: LoadedSpec) => specDigest(functions[0]?.asWritten ?? null, undefined);

describe('an event from a file', () => {
  it('is what is sent, named by its path and digest, and nothing in it is interpolated', async () => {
    const event = '{ "path": "${NAME}", "list": [1, null] }\n';
    const sha256 = createHash('sha256').update(event).digest('hex');
    expect(checkOf(await loadWith(event))).toEqual({
      payload: { path: '${NAME}', list: [1, null] },
      payloadFile: { path: 'events/health.json', sha256 },
      timeoutSeconds: 60,
    });
  });

  it('has a name that may be interpolated', async () => {
    expect(checkOf(await loadWith('1', 'payloadFile: "events/${NAME}.json"'))).toMatchObject({ payload: 1 });
  });

  it('another content is another spec, wherever the name comes from', async () => {
    for (const check of ['payloadFile: events/health.json', 'payloadFile: "events/${NAME}.json"']) {
      const [one, same, other] = await Promise.all(['{}', '{}', '{ }'].map((event) => loadWith(event, check)));
      if (!one || !same || !other) throw new Error('three were loaded');
      expect(digestOf(one)).toBe(digestOf(same));
      expect(digestOf(one)).not.toBe(digestOf(other));
    }
  });

  it('a key of that name inside a payload is no file', async () => {
    const check = 'payload: { payloadFile: nowhere.json }';
    expect(checkOf(await loadWith('{}', check))).toMatchObject({ payload: { payloadFile: 'nowhere.json' } });
  });

  it('may have 6 MB and no byte more', async () => {
    const event = (bytes: number): string => `"${'x'.repeat(bytes - 2)}"`;
    await expect(loadWith(event(6_291_456))).resolves.toBeDefined();
    await expect(loadWith(event(6_291_457))).rejects.toMatchObject({
      code: 'PAYLOAD_FILE',
      detail: expect.stringContaining('has 6291457 bytes; Lambda takes an event of at most 6291456') as string,
    });
  });
});
