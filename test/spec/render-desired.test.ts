import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { toYaml } from '../../src/spec/render-desired.js';
import { load } from './helpers.js';

const TEXT = `version: 1
region: us-east-1
defaults: { tags: { team: payments }, timeout: "\${T}" }
functions:
  b:
    environment: { RATE: 1.10, API_KEY: "\${API_KEY}", TEMPLATE: "$\${x}", STAGE: "\${STAGE:-dev}" }
    aliases: { live: }
  a: { memorySize: 256, timeout: 5 }
`;

it('shows the desired state after defaults and interpolation, secrets as references', async () => {
  const { rendered } = await load(TEXT, { T: '30', API_KEY: 'planted' }, { region: 'eu-west-1' });
  expect(toYaml(rendered)).toBe(`version: 1
region: eu-west-1
metadata: tags
functions:
  b:
    tags:
      team: payments
    timeout: 30
    environment:
      RATE: "1.10"
      API_KEY: \${API_KEY}
      TEMPLATE: $\${x}
      STAGE: dev
    aliases:
      live: {}
  a:
    tags:
      team: payments
    timeout: 5
    memorySize: 256
`);
});

it('escapes what hides or poses as other text, and reads back the same', () => {
  const document = {
    'a\u200bkey': ['x\u202ey', 'bell\u0007 \u{e0041}', 'two\nlines\r', { tab: '\tb\u2028' }],
    plain: 'é – ü',
  };
  const text = toYaml(document);
  expect(text).toContain('"a\\u200bkey":\n  - "x\\u202ey"\n');
  expect(text).not.toMatch(/[^\P{C}\n]|\p{Zl}/u);
  expect(text).toContain('plain: é – ü');
  expect(parse(text)).toEqual(document);
});

it('renders to itself', async () => {
  const variables = { T: '30', API_KEY: 'planted' };
  const { rendered } = await load(TEXT, variables);
  expect((await load(toYaml(rendered), variables)).rendered).toEqual(rendered);
  expect((await load(JSON.stringify(rendered), variables)).rendered).toEqual(rendered);
});
