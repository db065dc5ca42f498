import { describe, expect, it } from 'vitest';
import { DeployError } from '../../src/errors.js';
import type { DriftClass, DriftDifference, DriftDocument } from '../../src/model/drift.js';
import type { Json } from '../../src/model/json.js';
import type { FunctionPlan, PlanDocument } from '../../src/model/plan.js';
import type { ApplyResult, FunctionResult } from '../../src/model/result.js';
import { driftMarkdown } from '../../src/render/drift-markdown.js';
import { renderDrift } from '../../src/render/drift.js';
import { errorDocument, renderDiagnostic, renderError } from '../../src/render/errors.js';
import { renderPlan } from '../../src/render/plan.js';
import { resultAnnotation } from '../../src/render/result-annotation.js';
import { renderEvent, renderResult } from '../../src/render/result.js';
import { plain } from '../../src/render/text.js';

const DIGEST = `sha256:${'0123456789abcdef'.repeat(4)}`;

function planOf(...functions: FunctionPlan[]): PlanDocument {
  const count = (action: string): number => functions.filter((one) => one.action === action).length;
  return {
    formatVersion: '1',
    command: 'plan',
    changes: functions.some(({ action }) => action !== 'none'),
    summary: { create: count('create'), update: count('update'), unchanged: count('none') },
    functions,
    digest: DIGEST,
    warnings: [],
  };
}

function functionPlan(more: Partial<FunctionPlan>): FunctionPlan {
  return {
    name: 'orders',
    action: 'update',
    differences: [],
    alsoGoesLive: [],
    operations: [],
    effects: [],
    unmanagedAliases: [],
    specDigest: '',
    ...more,
  };
}

const onLatest = { on: '$LATEST', reason: '$LATEST is not as the file says' };
const check = { alias: 'live', index: 0, expect: { status: 200 }, timeoutSeconds: 10 };

describe('a plan', () => {
  it('says what differs, what also goes live, its effect and its calls', () => {
    const plan = functionPlan({
      differences: [
        { path: 'memorySize', before: 128, after: 256, ...onLatest },
        { path: 'timeout', before: 3, after: 5, ...onLatest, drift: true },
        { path: 'environment.TOKEN', before: '(set)', after: '(changed)', ...onLatest, sensitive: true },
        { path: 'environment.OLD', before: '(set)', after: null, ...onLatest, sensitive: true },
        { path: 'layers', before: ['arn:a:1', 'arn:b:1'], after: ['arn:a:2', 'arn:b:1'], ...onLatest },
        { path: 'code', before: `${'A'.repeat(43)}=`, after: `${'B'.repeat(43)}=`, ...onLatest },
        {
          path: 'aliases.live.version',
          on: 'alias live',
          before: '4',
          after: 'new version',
          reason: 'version 4 does not carry the spec',
        },
      ],
      alsoGoesLive: [
        {
          path: 'tracingConfig',
          on: 'alias live',
          before: { mode: 'PassThrough' },
          after: { mode: 'Active' },
          reason: '',
        },
      ],
      operations: [
        { type: 'TagResource', record: 'open', reason: 'open the deployment record' },
        { type: 'UpdateFunctionConfiguration', settings: { memorySize: 256 }, reason: 'memorySize differs' },
        {
          type: 'PublishVersion',
          purpose: 'release',
          description: '',
          codeSha256: 'B',
          reason: 'no published version carries the spec',
        },
        { type: 'Invoke', target: { published: 'release' }, check, reason: 'check the version' },
        {
          type: 'UpdateAlias',
          alias: 'live',
          from: { version: { number: '4' } },
          version: { published: 'release' },
          reason: 'from 4 to new version',
        },
      ],
      effects: ['alias live moves all of its traffic from version 4 to a new version in one step'],
      unmanagedAliases: ['beta'],
    });
    const document = {
      ...planOf(plan, functionPlan({ name: 'billing', action: 'none' })),
      warnings: [{ code: 'X', message: 'look here.' }],
    };
    expect(plain(renderPlan(document))).toBe(`orders  update
  ~  memorySize            128 → 256
  ~  timeout               3 → 5            drift: AWS was changed by hand
  ~  environment.TOKEN     (changed)
  -  environment.OLD       (removed)
  ~  layers
       - arn:a:1
       + arn:a:2
         arn:b:1
  ~  code                  AAAAAAAAAAAA → BBBBBBBBBBBB
  ~  aliases.live.version  4 → new version  version 4 does not carry the spec
  also goes live (it is on $LATEST, nobody manages it, and a new version has it too)
    ~  tracingConfig  {"mode":"PassThrough"} → {"mode":"Active"}  alias live
  effect
    alias live moves all of its traffic from version 4 to a new version in one step
  calls
    1.  TagResource                  open the deployment record
    2.  UpdateFunctionConfiguration  memorySize differs
    3.  PublishVersion               no published version carries the spec
    4.  Invoke                       check the version (status 200, within 10 s)
    5.  UpdateAlias                  live: from 4 to new version
  left alone: alias beta

billing  unchanged

warning: look here.

Plan: 1 to update, 1 unchanged.  ${DIGEST}
`);
  });

  it('of nothing is one line a function and a clear word', () => {
    const none = functionPlan({ action: 'none', unmanagedAliases: ['beta'] });
    expect(plain(renderPlan(planOf(none)))).toBe(`orders  unchanged  (left alone: alias beta)

No changes. Live is as the file says.
`);
  });

  it('of a rollback does not speak of the file, which may well say something else', () => {
    const none = { ...planOf(functionPlan({ action: 'none' })), command: 'rollback' } as const;
    expect(plain(renderPlan(none))).toBe('orders  unchanged\n\nNo changes. Live is as the target of this rollback.\n');
  });

  it('does not vouch for what it could not read', () => {
    const warnings = [{ code: 'UNKNOWN_UNTIL_APPLY', message: 'environment.KEY of orders is unknown until apply' }];
    const text = plain(renderPlan({ ...planOf(functionPlan({ action: 'none' })), warnings }));
    expect(text).toContain('No changes. What is known of the file is live.\n');
  });

  it('shows a long value whole, before and after, on lines of their own', () => {
    const [before, after] = ['x', 'y'].map((letter) => letter.repeat(200));
    const differences = [{ path: 'description', before: before ?? '', after: after ?? '', ...onLatest }];
    const text = plain(renderPlan(planOf(functionPlan({ differences }))));
    expect(text).toContain(`  ~  description\n       - ${before}\n       + ${after}\n`);
  });
});

function resultOf(
  result: ApplyResult['result'],
  one: Partial<FunctionResult>,
  command: ApplyResult['command'] = 'apply',
): ApplyResult {
  const base: FunctionResult = {
    name: 'orders',
    result,
    version: null,
    aliases: [],
    operations: [],
    notes: [],
    exitCode: 0,
  };
  return { formatVersion: '1', command, result, functions: [{ ...base, ...one }] };
}

describe('a result', () => {
  it('says which version each alias serves now and before', () => {
    const aliases = [
      { name: 'live', version: '5', previousVersion: '4' },
      { name: 'beta', version: '5', previousVersion: null },
      { name: 'blue', version: '2', previousVersion: '2' },
    ];
    expect(plain(renderResult(resultOf('succeeded', { aliases })))).toBe(
      `orders  succeeded  live: version 5 (was 4)  beta: version 5 (was none)  blue: version 2
Apply succeeded.
`,
    );
  });

  it('of a failure says why, what stays, and what to do', () => {
    const error = { code: 'HEALTH_CHECK_FAILED', message: 'orders:5: the handler failed: Error: no', hint: 'mend it.' };
    const one = {
      aliases: [{ name: 'live', version: '4', previousVersion: '4' }],
      notes: ['version 5 was published; no alias of the file serves it.'],
      error,
    };
    expect(plain(renderResult(resultOf('rolled_back', one)))).toBe(`orders  rolled back  live: version 4
  note: version 5 was published; no alias of the file serves it.
  error[HEALTH_CHECK_FAILED] orders:5: the handler failed: Error: no
  fix: mend it.
Apply failed; the aliases are back where they were.
`);
  });

  it('says that aliases are back of those functions only whose aliases are', () => {
    const back = resultOf('rolled_back', {});
    const mixed = { ...back, functions: [...back.functions, ...resultOf('succeeded', { name: 'billing' }).functions] };
    expect(plain(renderResult(mixed))).toContain('\nApply failed; the aliases of orders are back where they were.\n');
    const subject = { file: 'lambda.deploy.yaml', narrowed: [] };
    expect(resultAnnotation(mixed, subject)).toContain('**failed; the aliases of orders are back where they were**. ');
  });

  it('of nothing says so, of a rollback is called so', () => {
    expect(plain(renderResult(resultOf('no_changes', {})))).toBe('Nothing to do. Live is as the file says.\n');
    expect(plain(renderResult(resultOf('no_changes', {}, 'rollback')))).toBe('Nothing to do.\n');
    expect(plain(renderResult(resultOf('succeeded', {}, 'rollback')))).toBe('orders  succeeded\nRollback succeeded.\n');
  });
});

describe('progress', () => {
  const operation = {
    type: 'PublishVersion',
    purpose: 'release',
    description: '',
    codeSha256: '',
    reason: '',
  } as const;
  const name = 'orders';
  it.each([
    [
      'a step that starts, unless asked',
      { type: 'step-started', function: name, index: 0, total: 3, operation },
      false,
      '',
    ],
    [
      'a step that starts',
      { type: 'step-started', function: name, index: 0, total: 3, operation },
      true,
      'orders: 1/3 PublishVersion …\n',
    ],
    [
      'a step that is done',
      { type: 'step-ended', function: name, operation, status: 'done', durationMs: 1234, detail: 'version 5' },
      false,
      'orders: done PublishVersion: version 5  1.2 s\n',
    ],
    [
      'a lost answer',
      { type: 'step-ended', function: name, operation, status: 'recovered', durationMs: 5 },
      false,
      'orders: done (its answer was lost, its effect was found) PublishVersion  5 ms\n',
    ],
    [
      'a step that failed',
      { type: 'step-ended', function: name, operation, status: 'failed', durationMs: 5 },
      false,
      'orders: failed PublishVersion  5 ms\n',
    ],
    [
      'a wait',
      { type: 'waiting', function: name, waitingFor: 'version 5', seconds: 12.4 },
      false,
      'orders: waiting for version 5 (12 s)\n',
    ],
    [
      'a retry',
      { type: 'retrying', function: name, reason: 'AWS throttles', seconds: 2 },
      false,
      'orders: AWS throttles; trying again in 2 s\n',
    ],
    [
      'a take-back',
      { type: 'taking-back', function: name, alias: 'live', version: '4' },
      false,
      'orders: taking alias live back to version 4\n',
    ],
    [
      'a log tail',
      { type: 'log-tail', function: name, text: 'START\n+++ forged\nEND\n' },
      false,
      'orders: log tail of the failed invocation\n  | START\n  | +++ forged\n  | END\n',
    ],
  ] as const)('%s', (_why, event, verbose, text) => expect(plain(renderEvent(event, verbose))).toBe(text));
});

const MARKDOWN = `**orders**: drifted

|  | path | recorded | live | file |
| --- | --- | --- | --- | --- |
| drift | \`memorySize\` | \`128\` | \`512\` | \`128\` |
| conflict | \`timeout\` | not known | \`9\` | \`5\` |
| pending | \`handler\` | \`a.b\` | \`\` a\\|b\` \`\` | \`c.d\` |
| unmanaged | \`tags.theirs\` | \`(none)\` | \`x\` | \`(none)\` |
| drift | \`environment.TOKEN\` |  | \\(changed\\) |  |
| drift | \`environment.TOKEN\` |  | \\(added\\) |  |
| drift | \`environment.TOKEN\` |  | \\(removed\\) |  |
| pending | \`environment.TOKEN\` |  | \\(changed\\) |  |
| pending | \`environment.TOKEN\` |  | \\(added\\) |  |

<details>
<summary>Files</summary>

\`\`\`text
~  index.mjs  3 → 4 bytes
\`\`\`

</details>

- in progress\\: alias live\\: a deployment that started at 2026\\-01\\-01T00\\:00\\:00\\.000Z
- abandoned\\: alias beta\\: a rollout of version 3 that started at 2026\\-01\\-01T00\\:00\\:00\\.000Z\\: promote or abort it
- the archive is \\*not\\* there
- adopted: \`timeout\`
- left: \`memorySize\`: the file gives a reference

**billing** (eu\\-west\\-1): no drift

Drift found. \`lambda-deploy plan\` shows what apply would put right.
`;

describe('drift', () => {
  const hidden = (who: DriftClass, recorded: Json, live: Json, desired: Json): DriftDifference => {
    return { path: 'environment.TOKEN', recorded, live, desired, class: who, sensitive: true };
  };

  it('puts recorded and live side by side', () => {
    const document: DriftDocument = {
      formatVersion: '1',
      command: 'drift',
      drifted: true,
      functions: [
        {
          name: 'orders',
          drifted: true,
          differences: [
            { path: 'memorySize', recorded: 128, live: 512, desired: 128, class: 'drift' },
            { path: 'timeout', recorded: null, live: 9, desired: 5, class: 'conflict', unknown: ['recorded'] },
            { path: 'handler', recorded: 'a.b', live: 'a|b`', desired: 'c.d', class: 'pending' },
            { path: 'tags.theirs', recorded: null, live: 'x', desired: null, class: 'unmanaged' },
            hidden('drift', '(set)', '(changed)', '(set)'),
            hidden('drift', null, '(set)', null),
            hidden('drift', '(set)', null, '(set)'),
            hidden('pending', '(set)', '(set)', '(changed)'),
            hidden('pending', null, null, '(set)'),
          ],
          rollouts: [
            { alias: 'live', state: 'in_progress', startedAt: '2026-01-01T00:00:00.000Z' },
            { alias: 'beta', state: 'abandoned', startedAt: '2026-01-01T00:00:00.000Z', version: '3' },
          ],
          notes: ['the archive is *not* there'],
          files: [{ path: 'index.mjs', change: 'changed', bytesBefore: 3, bytesAfter: 4 }],
          adopted: ['timeout'],
          left: [{ path: 'memorySize', reason: 'the file gives a reference' }],
        },
        { name: 'billing', region: 'eu-west-1', drifted: false, differences: [], rollouts: [], notes: [] },
      ],
    };
    expect(plain(renderDrift(document))).toBe(`orders  drifted
  drift      memorySize         recorded 128, live 512
  conflict   timeout            recorded (not known), live 9, file 5
  pending    handler            live a|b\`, file c.d
  unmanaged  tags.theirs        live x
  drift      environment.TOKEN  (changed)
  drift      environment.TOKEN  (added)
  drift      environment.TOKEN  (removed)
  pending    environment.TOKEN  (changed)
  pending    environment.TOKEN  (added)
    ~  index.mjs  3 → 4 bytes
  in progress: alias live: a deployment that started at 2026-01-01T00:00:00.000Z
  abandoned: alias beta: a rollout of version 3 that started at 2026-01-01T00:00:00.000Z: promote or abort it
  note: the archive is *not* there
  adopted: timeout
  left: memorySize: the file gives a reference
billing (eu-west-1)  no drift

Drift found. \`lambda-deploy plan\` shows what apply would put right.
`);
    expect(driftMarkdown(document)).toBe(MARKDOWN);
    const none: DriftDocument = { ...document, drifted: false, functions: document.functions.slice(1) };
    expect(plain(renderDrift(none))).toBe('billing (eu-west-1)  no drift\n\nNo drift.\n');
  });
});

describe('errors', () => {
  const location = { file: 'lambda.deploy.yaml', line: 14, column: 14 };
  it('say what, where, why and what to do', () => {
    const error = new DeployError('ZIP_NOT_FOUND', 'function.zip does not exist.', { fix: 'build it.', location });
    expect(plain(renderError(error))).toBe(`error[ZIP_NOT_FOUND] The code archive is missing
  lambda.deploy.yaml:14:14  function.zip does not exist.
  fix: build it.
`);
    expect(errorDocument(error)).toEqual({
      formatVersion: '1',
      error: { code: 'ZIP_NOT_FOUND', message: 'function.zip does not exist.', hint: 'build it.', location },
    });
  });

  it('shows fifty findings and counts the rest; the JSON document has all', () => {
    const finding = { severity: 'error', code: 'SCHEMA', message: 'is wrong.' } as const;
    const error = (count: number) =>
      new DeployError('SCHEMA', 'x', { diagnostics: Array.from({ length: count }, () => finding) });
    expect(plain(renderError(error(50))).match(/is wrong/g)).toHaveLength(50);
    expect(plain(renderError(error(50)))).not.toContain('more');
    expect(plain(renderError(error(73))).match(/is wrong/g)).toHaveLength(50);
    expect(plain(renderError(error(73)))).toContain('… and 23 more; --format json has all of them.');
    expect(errorDocument(error(73)).diagnostics).toHaveLength(73);
  });

  it('are all told at once', () => {
    const diagnostics = [
      { severity: 'error', code: 'UNKNOWN_KEY', message: 'unknown key.', location },
      { severity: 'error', code: 'SCHEMA', message: 'no number.', fix: 'write one.' },
    ] as const;
    const error = new DeployError('UNKNOWN_KEY', 'unknown key.', { diagnostics });
    expect(plain(renderError(error))).toBe(`error[UNKNOWN_KEY] Unknown key
  lambda.deploy.yaml:14:14  unknown key.
error[SCHEMA] The value is not allowed here
  no number.
  fix: write one.
`);
    expect(errorDocument(error).diagnostics).toHaveLength(2);
    expect(plain(renderDiagnostic({ severity: 'warning', code: 'SCHEMA', message: 'hm.' }))).toMatch(
      /^warning\[SCHEMA\]/,
    );
  });
});
