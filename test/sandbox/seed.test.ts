import { describe, expect, it } from 'vitest';
import { parseSeed } from '../../src/sandbox/seed.js';

const DIGEST = `sha256:${'0'.repeat(64)}`;

describe('a seed file', () => {
  it('holds what each service starts with', () => {
    const text = `
parameters: { /orders/key: planted }
secrets: { db: '{"password":"planted"}', blob: { binary: AAEC } }
buckets: { code: { versioning: true, objects: { a.txt: text } }, plain: {} }
images: { "1.dkr.ecr.us-east-1.amazonaws.com/app:1": "${DIGEST}" }
alarms: { orders-errors: { type: composite, state: ALARM, reason: too many }, plain: {} }
denied: [ssm:/other]
`;
    expect(parseSeed(text)).toEqual({
      parameters: { '/orders/key': 'planted' },
      secrets: { db: '{"password":"planted"}', blob: { binary: 'AAEC' } },
      buckets: { code: { versioning: true, objects: { 'a.txt': 'text' } }, plain: { versioning: false, objects: {} } },
      images: { '1.dkr.ecr.us-east-1.amazonaws.com/app:1': DIGEST },
      alarms: {
        'orders-errors': { type: 'composite', state: 'ALARM', reason: 'too many' },
        plain: { type: 'metric', state: 'OK', reason: 'Unchecked: Initial alarm creation' },
      },
      denied: ['ssm:/other'],
    });
  });

  it('may be JSON, and may hold nothing', () => {
    expect(parseSeed('{}')).toEqual({ parameters: {}, secrets: {}, buckets: {}, images: {}, alarms: {}, denied: [] });
  });

  it.each([
    ['a misspelt key', 'parameter: {}', /^parameter is none of parameters, /],
    ['a number where text belongs', 'parameters: { /n: 12 }', /^parameters.\/n is no text/],
    ['a list where a map belongs', 'buckets: [b]', /^buckets is no map/],
    ['a misspelt bucket key', 'buckets: { b: { versions: true } }', /^buckets.b.versions is neither/],
    ['versioning that is no boolean', 'buckets: { b: { versioning: planted } }', /^buckets.b.versioning is neither/],
    ['an image without a digest', 'images: { app: planted }', /^images.app is no digest/],
    ['a misspelt alarm key', 'alarms: { a: { status: planted } }', /^alarms.a.status is none of type, /],
    ['an alarm of no type', 'alarms: { a: { type: planted } }', /^alarms.a.type is neither/],
    ['an alarm in no state', 'alarms: { a: { state: planted } }', /^alarms.a.state is none of OK, /],
    ['a denied name of no service', 'denied: [planted]', /^denied is no list/],
    ['a scalar', 'planted', /^the file is no map/],
    ['broken YAML', 'parameters: { a: "planted', /^it is no YAML/],
  ])('with %s is refused, and no value is quoted', (_why, text, message) => {
    const parse = () => parseSeed(text);
    expect(parse).toThrow(message);
    expect(parse).not.toThrow(/planted/);
  });
});
