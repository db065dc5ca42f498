import tseslint from 'typescript-eslint';

/** What each folder of src may import, beside itself. Arrows go one way: cli → the middle → model. */
const MAY_IMPORT = {
  model: [],
  planner: ['model'],
  render: ['model'],
  spec: ['model'],
  code: ['model'],
  aws: ['model'],
  record: ['model'],
  iam: ['model'],
  buildkite: ['model'],
  sandbox: ['model'],
  apply: ['model', 'planner'],
};
const FOLDERS = [...Object.keys(MAY_IMPORT), 'cli'];
const PURE = ['model', 'planner', 'render', 'iam'];
/** The only places that may look inside a Secret. */
const MAY_REVEAL = ['src/aws/**', 'src/cli/redact.ts', 'src/cli/clear-text.ts'];

const boundaries = Object.entries(MAY_IMPORT).map(([folder, allowed]) => {
  const forbidden = FOLDERS.filter((other) => other !== folder && !allowed.includes(other));
  const patterns = [
    {
      group: forbidden.map((other) => `**/${other}/*`),
      message: `${folder} may import only ${allowed.join(', ') || 'nothing'}.`,
    },
  ];
  if (folder !== 'aws')
    patterns.push({
      group: folder === 'sandbox' ? ['@aws-sdk/client-*'] : ['@aws-sdk/*', '@smithy/*'],
      message: 'AWS clients live in src/aws.',
    });
  if (PURE.includes(folder)) patterns.push({ group: ['node:*'], message: 'The pure core performs no I/O.' });
  return {
    files: [`src/${folder}/**/*.ts`],
    rules: { 'no-restricted-imports': ['error', { patterns: [...patterns, ...noReveal(folder)] }] },
  };
});

function noReveal(folder) {
  if (folder === 'aws' || folder === 'model') return [];
  return [
    {
      group: ['**/model/secret.js'],
      importNames: ['reveal'],
      message: 'Only the AWS adapter, the redactor and import’s clear text open a Secret.',
    },
  ];
}

export default tseslint.config(
  { ignores: ['dist', 'node_modules', 'src/spec/generated', 'examples/**', '.test-results'] },
  ...tseslint.configs.recommended,
  {
    rules: {
      eqeqeq: 'error',
      'no-console': 'error',
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-non-null-assertion': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      'max-lines-per-function': ['error', { max: 70, skipBlankLines: true, skipComments: true }],
      'max-lines': ['error', { max: 400 }],
    },
  },
  {
    files: ['test/**', 'scripts/**', '*.config.*'],
    rules: { 'no-console': 'off', 'max-lines-per-function': 'off', 'max-lines': 'off' },
  },
  ...boundaries,
  {
    files: ['src/cli/**/*.ts'],
    ignores: MAY_REVEAL,
    rules: { 'no-restricted-imports': ['error', { patterns: noReveal('cli') }] },
  },
  {
    files: ['src/**/*.ts'],
    ignores: ['src/cli/main.ts'],
    rules: {
      'no-restricted-globals': ['error', { name: 'process', message: 'Only src/cli/main.ts touches the process.' }],
    },
  },
  {
    files: PURE.map((folder) => `src/${folder}/**/*.ts`),
    rules: {
      'no-restricted-globals': ['error', 'process', 'console', 'Date', 'Buffer', 'setTimeout', 'fetch'],
      'no-restricted-properties': ['error', { object: 'Math', property: 'random' }],
    },
  },
);
