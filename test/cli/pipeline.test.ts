import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import type { BlockStep, CommandStep } from '../../src/model/pipeline.js';
import { interpolateAll } from '../buildkite/interpolate.js';
import { pipelineSchema } from '../buildkite/schema.js';
import { type Document, fileOf, hello, type Project, project, type Ran, runInside } from '../e2e/support.js';

type Step = Partial<BlockStep & CommandStep> & { readonly key: string };

const schema = await pipelineSchema();

interface Printed extends Ran {
  readonly steps: readonly Step[];
}

async function printed(own: Project, ...argv: string[]): Promise<Printed> {
  const ran = await runInside(['pipeline', ...argv], { cwd: own.folder });
  expect(ran.exitCode, ran.err).toBe(0);
  const { steps } = parse(ran.out) as { steps: Step[] };
  expect(schema?.({ steps }) ?? []).toEqual([]);
  return { ...ran, steps };
}

async function of(file: Document): Promise<Project> {
  const own = await project();
  await own.file(file);
  return own;
}

const stepOf = ({ steps }: Printed, key: string): Step => {
  const found = steps.find((step) => step.key === key);
  if (found === undefined) throw new Error(`no ${key} among ${steps.map((step) => step.key).join(', ')}`);
  return found;
};
const commandOf = (from: Printed, key: string): string => stepOf(from, key).commands?.at(-1) ?? '';

describe('the pipeline of a file with one function', () => {
  it('plans, goes back behind a block, and looks for drift on a schedule', async () => {
    const ran = await printed(await of(fileOf({ hello: hello() })));
    expect(ran.err).toBe('');
    expect(ran.steps.map(({ key }) => key)).toEqual(['plan', 'choose', 'rollback', 'drift']);
    expect(commandOf(ran, 'plan')).toBe(
      'npx lambda-deploy plan --config lambda.deploy.yaml --upload-steps --apply-role arn:aws:iam::123456789012:role/lambda-deploy-apply',
    );
    expect(commandOf(ran, 'rollback')).toBe(
      'npx lambda-deploy rollback --config lambda.deploy.yaml --to-meta-data rollback-target --yes',
    );
    expect(commandOf(ran, 'drift')).toBe('npx lambda-deploy drift --config lambda.deploy.yaml');
  });

  it('takes its roles by tokens, after the installation, the apply role only where something may change', async () => {
    const ran = await printed(await of(fileOf({ hello: hello() })), '--build', 'make zip');
    const roles = ran.steps.map(({ key, env }) => [key, env?.['AWS_ROLE_ARN']?.split('/')[1]]);
    expect(Object.fromEntries(roles)).toEqual({
      plan: 'lambda-deploy-plan',
      choose: undefined,
      rollback: 'lambda-deploy-apply',
      drift: 'lambda-deploy-plan',
    });
    expect(stepOf(ran, 'plan').commands?.slice(0, 5)).toEqual([
      'npm ci',
      'make zip',
      'export AWS_WEB_IDENTITY_TOKEN_FILE="$$(mktemp)" AWS_ROLE_SESSION_NAME="buildkite-$$BUILDKITE_JOB_ID"',
      `trap 'rm -f "$$AWS_WEB_IDENTITY_TOKEN_FILE"' EXIT`,
      'buildkite-agent oidc request-token --audience sts.amazonaws.com > "$$AWS_WEB_IDENTITY_TOKEN_FILE"',
    ]);
  });

  it('never fails softly, runs again only what an agent lost, and a rollback not even then', async () => {
    const ran = await printed(await of(fileOf({ hello: hello() })));
    const uploaded = await printed(await of(fileOf({ hello: hello() })), '--show-uploaded');
    for (const step of [...ran.steps, ...uploaded.steps]) expect(step).not.toHaveProperty('soft_fail');
    const lost = [
      { exit_status: -1, limit: 2 },
      { exit_status: 255, limit: 2 },
    ];
    for (const step of [stepOf(ran, 'plan'), stepOf(ran, 'drift'), stepOf(uploaded, 'apply')])
      expect(step.retry).toEqual({ automatic: lost, manual: { permit_on_passed: false } });
    expect(stepOf(ran, 'rollback').retry?.automatic).toBe(false);
  });

  it('shows what a plan with changes adds: only what was approved, one at a time, never for a pull request', async () => {
    const own = await of(fileOf({ hello: hello() }));
    const ran = await printed(own, '--show-uploaded', '--team', 'releasers', '--require-other-approver');
    expect(ran.steps.map(({ key }) => key)).toEqual(['approve', 'apply']);
    expect(stepOf(ran, 'approve')).toMatchObject({ blocked_state: 'running', allowed_teams: ['releasers'] });
    expect(stepOf(ran, 'apply')).toMatchObject({
      depends_on: 'approve',
      concurrency: 1,
      concurrency_group: 'lambda-deploy/123456789012/us-east-1',
    });
    for (const { if: condition } of ran.steps) {
      expect(condition).toContain('build.branch == pipeline.default_branch');
      expect(condition).toContain('build.pull_request.id == null');
    }
    expect(commandOf(ran, 'apply')).toMatch(
      /^npx lambda-deploy apply plan\.zip --expect sha256:0{64} --plan-step plan --require-other-approver$/,
    );
  });

  it('hands every option of the added steps over in the plan step’s own command', async () => {
    const options = ['--team', 'a', '--team', 'b', '--agents', 'queue=deploy', '--install', 'make cli'];
    const ran = await printed(await of(fileOf({ hello: hello() })), ...options, '--require-other-approver');
    expect(commandOf(ran, 'plan')).toContain(
      " --team a --team b --agents queue=deploy --install 'make cli' --require-other-approver",
    );
    expect(stepOf(ran, 'plan').agents).toEqual({ queue: 'deploy' });
    expect(stepOf(ran, 'plan').commands?.[0]).toBe('make cli');
  });

  it('has no rollback where nothing is published, and says so', async () => {
    const ran = await printed(await of(fileOf({ hello: hello({ aliases: {} }) })));
    expect(ran.steps.map(({ key }) => key)).toEqual(['plan', 'drift']);
    expect(ran.err).toContain('nothing to roll back to');
  });

  it('asks which function and which alias where there are several', async () => {
    const aliases = { blue: {}, green: {} };
    const ran = await printed(await of(fileOf({ one: hello({ aliases }), two: hello({ aliases }) })));
    const fields = stepOf(ran, 'choose').fields?.map((field) => [
      field.key,
      'options' in field && field.options.length,
    ]);
    expect(fields).toEqual([
      ['rollback-function', 2],
      ['rollback-alias', 2],
      ['rollback-target', false],
    ]);
    expect(commandOf(ran, 'rollback')).toMatch(
      /^FUNCTION="\$\$\(buildkite-agent meta-data get rollback-function\)" && ALIAS=.* && npx .* --function="\$\$FUNCTION" /,
    );
  });

  it('adds a block for the promotion of what waits at its first share', async () => {
    const rollout = { steps: ['10%'], interval: '2h', promotion: 'manual' };
    const own = await of(fileOf({ hello: hello({ aliases: { live: { rollout } } }) }));
    const ran = await printed(own, '--show-uploaded');
    expect(ran.steps.map(({ key }) => key)).toEqual(['approve', 'apply', 'confirm', 'promote']);
    expect(stepOf(ran, 'promote')).toMatchObject({ depends_on: 'confirm', timeout_in_minutes: 135 });
    // A session of an hour is renewed from a token that is still good then.
    expect(stepOf(ran, 'promote').commands?.at(-2)).toContain(`--lifetime ${135 * 60}`);
  });
});

describe('several environments and regions', () => {
  const file = fileOf(
    { near: hello(), far: hello({ region: 'eu-west-1' }) },
    {
      environments: {
        staging: { account: '111111111111', functions: { far: { region: 'us-east-1' } } },
        production: { account: '222222222222' },
      },
    },
  );

  it('have a plan, an apply and a concurrency group each', async () => {
    const own = await of(file);
    const ran = await printed(own);
    const uploaded = await printed(own, '--show-uploaded');
    expect(ran.steps.filter(({ key }) => key.endsWith('plan')).map(({ key }) => key)).toEqual([
      'staging-plan',
      'production-us-east-1-plan',
      'production-eu-west-1-plan',
    ]);
    const applies = uploaded.steps.filter(({ key }) => key.endsWith('apply'));
    expect(applies.map((step) => [step.key, step.concurrency_group, step.env?.['AWS_ROLE_ARN']])).toEqual([
      [
        'staging-apply',
        'lambda-deploy/111111111111/us-east-1/staging',
        'arn:aws:iam::111111111111:role/lambda-deploy-apply',
      ],
      [
        'production-us-east-1-apply',
        'lambda-deploy/222222222222/us-east-1/production',
        'arn:aws:iam::222222222222:role/lambda-deploy-apply',
      ],
      [
        'production-eu-west-1-apply',
        'lambda-deploy/222222222222/eu-west-1/production',
        'arn:aws:iam::222222222222:role/lambda-deploy-apply',
      ],
    ]);
    expect(commandOf(ran, 'production-eu-west-1-plan')).toContain(
      'plan --config lambda.deploy.yaml --environment production --function far --upload-steps --key-prefix production-eu-west-1-',
    );
    expect(commandOf(ran, 'production-eu-west-1-rollback')).toContain('--function far --to-meta-data');
  });

  it('take roles by name; one ARN for two accounts is refused', async () => {
    const own = await of(file);
    const arn = 'arn:aws:iam::222222222222:role/deploy';
    const ran = await runInside(['pipeline', '--apply-role', arn], { cwd: own.folder });
    expect([ran.exitCode, ran.out]).toEqual([1, '']);
    expect(ran.err).toContain('--apply-role is of account 222222222222, the file has 111111111111');
    await printed(own, '--apply-role', arn, '--environment', 'production');
  });

  it('are refused where a key is the name of a function in another region', async () => {
    const own = await of(fileOf({ stock: hello(), other: hello({ name: 'stock', region: 'eu-west-1' }) }));
    const ran = await runInside(['pipeline'], { cwd: own.folder });
    expect(ran.exitCode).toBe(1);
    expect(ran.err).toContain('--function stock is the key of one function and the name of other');
  });

  it('give the same bytes again, also as JSON', async () => {
    const own = await of(file);
    expect((await printed(own)).out).toBe((await printed(own)).out);
    const json = await runInside(['pipeline', '--format', 'json'], { cwd: own.folder });
    expect(json.json()).toEqual(parse((await printed(own)).out));
  });
});

describe('a file without an account', () => {
  it('has a place for it in the roles, and says so', async () => {
    const alone = { manage: ['code', 'aliases'], code: { zip: 'a.zip' }, aliases: { live: {} } };
    const own = await of({ version: 1, functions: { hello: alone } });
    const ran = await printed(own);
    expect(stepOf(ran, 'plan').env?.['AWS_ROLE_ARN']).toBe('arn:aws:iam::ACCOUNT:role/lambda-deploy-plan');
    expect(ran.err).toContain('replace ACCOUNT');
  });
});

describe('what would mean something else where it goes', () => {
  it.each([
    ['a team', ['--team', 'a b']],
    ['agents', ['--agents', 'queue']],
    ['a role', ['--plan-role', 'a role']],
    ['one role for both', ['--plan-role', 'same', '--apply-role', 'same']],
    ['an installation that an agent would change', ['--install', 'echo \\$HOME']],
    ['an empty installation', ['--install', ' ']],
  ])('%s is refused', async (_, argv) => {
    const own = await of(fileOf({ hello: hello() }));
    const ran = await runInside(['pipeline', ...argv], { cwd: own.folder });
    expect([ran.exitCode, ran.out]).toEqual([1, '']);
    expect(ran.err).toContain('error[USAGE]');
  });

  it('more steps than an upload takes are refused', async () => {
    const environments = Object.fromEntries(Array.from({ length: 126 }, (_, index) => [`e${index}`, {}]));
    const own = await of(fileOf({ hello: hello() }, { environments }));
    const ran = await runInside(['pipeline'], { cwd: own.folder });
    expect(ran.exitCode).toBe(1);
    expect(ran.err).toContain('has 504 steps; Buildkite takes 500');
  });
});

describe('whatever the names are', () => {
  const name = fc.string({ unit: fc.constantFrom(...'aZ09-_'), minLength: 1, maxLength: 64 });
  const region = fc.option(fc.constantFrom('us-east-1', 'eu-west-1'), { nil: undefined });
  const command = fc.string({ unit: fc.constantFrom(...`a$'"{}()#: \n\\*&!|>%@`), maxLength: 20 });
  const alias = name.filter((one) => !/^\d+$/.test(one));
  const functions = fc.dictionary(name, fc.tuple(region, fc.array(alias, { maxLength: 3 })), {
    minKeys: 1,
    maxKeys: 4,
  });

  it('keys are unique and valid, each target has one group, and commands arrive as they were given', async () => {
    await fc.assert(
      fc.asyncProperty(functions, fc.uniqueArray(name, { maxLength: 5 }), command, async (own, environments, build) => {
        fc.pre(/\S/.test(build) && !build.includes('\\$'));
        const file = fileOf(
          Object.fromEntries(
            Object.entries(own).map(([key, [place, aliases]]) => [
              key,
              hello({ region: place, aliases: Object.fromEntries(aliases.map((one) => [one, {}])) }),
            ]),
          ),
          environments.length === 0 ? {} : { environments: Object.fromEntries(environments.map((one) => [one, {}])) },
        );
        const folder = await of(JSON.parse(JSON.stringify(file)) as Document);
        const [ran, uploaded] = [
          await printed(folder, '--build', build),
          await printed(folder, '--build', build, '--show-uploaded'),
        ];
        const all = [...ran.steps, ...uploaded.steps];
        const keys = [...all.map(({ key }) => key), ...all.flatMap(({ fields = [] }) => fields.map(({ key }) => key))];
        expect(new Set(keys).size).toBe(keys.length);
        const plans = ran.steps.filter(({ key }) => key.endsWith('plan'));
        expect(interpolateAll(plans, {}).every(({ commands }) => commands?.includes(build))).toBe(true);
        const groups = uploaded.steps.flatMap(({ concurrency_group: group = [] }) => group);
        expect([new Set(groups).size, groups.length]).toEqual([plans.length, plans.length]);
      }),
      { numRuns: 60 },
    );
  });
});
