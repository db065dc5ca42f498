import { findJsonProblem } from '../json-text.js';
import { mapScalars, type MapNode, type Node } from '../node.js';
import type { Option, Options, Reading } from './options.js';
import { leaf, listOf, mapOf, nodeOf } from './tree.js';
import { parseJson } from './settings.js';

/** Whom the notes are about. */
interface About {
  readonly name: string;
  readonly alias: string;
  readonly reading: Reading;
}

const CANARY: readonly Option[] = [
  ...(['canary-weight', 'canary-type', 'canary-steps', 'canary-interval', 'canary-auto-promote'] as const),
];
const HEALTH: readonly Option[] = [
  ...(['health-check-timeout', 'health-check-payload', 'health-check-expected-status'] as const),
];

/** How long a share was held where the step does not say, in seconds. */
const DEFAULT_INTERVAL = 60;
const DEFAULT_WEIGHT = 0.05;
/** What the plugin documents and does not use, in seconds. */
const DEFAULT_TIMEOUT = 300;
const DEFAULT_STATUS = 200;

/** What the file says of an alias, from the options of a deployment: how it gets a version, and what checks that. */
export function aliasOf(options: Options, about: About): MapNode {
  return mapOf(options.position, [
    ['rollout', rolloutOf(options, about)],
    ['healthCheck', healthCheckOf(options, about)],
    ['autoRollback', autoRollbackOf(options, about)],
  ]);
}

function rolloutOf(options: Options, about: About): MapNode | undefined {
  const strategy = options.choice('strategy', ['direct', 'canary'] as const, 'direct');
  if (strategy !== 'canary') {
    withoutEffect(options, CANARY, 'the strategy is direct', about);
    return undefined;
  }
  const { notes } = about.reading;
  const { name: key, alias } = about;
  notes.add('WEIGHTS_LEFT', options.at('strategy'), { key, option: 'strategy' }, [key, alias]);
  const type = options.choice('canary-type', ['all-at-once', 'linear'] as const, 'all-at-once');
  const steps = type === 'linear' ? linearSteps(options, about) : canaryStep(options, about);
  if (steps.length === 0) return undefined;
  const interval = options.number('canary-interval') ?? leaf(DEFAULT_INTERVAL, options.position);
  const at = options.at(type === 'linear' ? 'canary-steps' : 'canary-weight');
  return mapOf(options.at('strategy'), [
    [
      'steps',
      listOf(
        at,
        steps.map((share) => leaf(share, at)),
      ),
    ],
    ['interval', interval],
    ['promotion', type === 'linear' ? undefined : promotion(options, steps, String(interval.value), about)],
  ]);
}

function promotion(options: Options, [share = '']: readonly string[], seconds: string, about: About): Node | undefined {
  const { notes } = about.reading;
  const note = { key: about.name, option: 'canary-auto-promote' };
  const at = options.at('canary-auto-promote');
  if (options.flag('canary-auto-promote') === true) {
    notes.add('PROMOTED_AFTER_INTERVAL', at, note, [share, seconds]);
    return undefined;
  }
  notes.add('PROMOTED_BY_HAND', at, note, [share]);
  return leaf('manual', at);
}

/** The one share of a canary; none for all of the traffic. */
function canaryStep(options: Options, about: About): readonly string[] {
  withoutEffect(options, ['canary-steps'], 'the canary type is all-at-once', about);
  const weight = options.plainNumber('canary-weight', DEFAULT_WEIGHT);
  if (weight === undefined || weight === 1) return [];
  const share = percent(weight);
  if (weight > 0 && weight < 1 && share !== '0%' && share !== '100%') {
    noteRounding(options, 'canary-weight', [[weight, share]], about);
    return [share];
  }
  const meant = weight > 1 && weight < 100 ? `, did you mean ${weight / 100}?` : '';
  const fix = meant === '' ? 'write a part of 1, such as 0.05.' : `write ${weight / 100}.`;
  options.refuse('canary-weight', `is ${weight}; AWS takes a part of 1, more than 0${meant}`, fix);
  return [];
}

/** Every share of a linear rollout but the last, which is all. */
function linearSteps(options: Options, about: About): readonly string[] {
  withoutEffect(options, ['canary-weight', 'canary-auto-promote'], 'the canary type is linear', about);
  const count = options.plainNumber('canary-steps', 1);
  if (count === undefined) return [];
  // More than a hundred is more than the file takes, and than anybody waits for.
  if (!Number.isInteger(count) || count < 1 || count > 100) {
    options.refuse('canary-steps', `is ${count}; a rollout has 1 to 100 shares`, 'write a whole number from 1 to 100.');
    return [];
  }
  const exact = Array.from({ length: count - 1 }, (_, index) => (index + 1) / count);
  const shares = exact.map((part) => [part, percent(part)] as const);
  noteRounding(options, 'canary-steps', shares, about);
  return shares.map(([, share]) => share);
}

function percent(part: number): string {
  return `${Math.round(part * 1000) / 10}%`;
}

function noteRounding(
  options: Options,
  option: Option,
  shares: readonly (readonly [number, string])[],
  { name: key, reading }: About,
): void {
  const isRounded = shares.some(([part, share]) => Math.abs(part * 100 - Number.parseFloat(share)) > 1e-9);
  if (!isRounded) return;
  const list = shares.map(([, share]) => share).join(', ');
  reading.notes.add('SHARE_ROUNDED', options.at(option), { key, option }, [list]);
}

function healthCheckOf(options: Options, about: About): MapNode | undefined {
  const { notes } = about.reading;
  const { name: key } = about;
  const threshold = 'health-check-error-threshold';
  if (options.has(threshold)) notes.add('ERROR_THRESHOLD', options.at(threshold), { key, option: threshold });
  if (options.flag('health-check-enabled') !== true) {
    withoutEffect(options, HEALTH, '`health-check-enabled` is not true', about);
    notes.add('NO_HEALTH_CHECK', options.at('health-check-enabled'), { key, option: 'health-check-enabled' });
    return undefined;
  }
  const status = options.number('health-check-expected-status') ?? leaf(DEFAULT_STATUS, options.position);
  const timeout = options.number('health-check-timeout') ?? leaf(DEFAULT_TIMEOUT, options.position);
  const note = (option: Option) => ({ key, option });
  const at = options.at('health-check-expected-status');
  notes.add('HEALTH_CHECK_STATUS', at, note('health-check-expected-status'), [String(status.value)]);
  notes.add('HEALTH_CHECK_TIMEOUT', options.at('health-check-timeout'), note('health-check-timeout'), [
    String(timeout.value),
  ]);
  return mapOf(options.at('health-check-enabled'), [
    ['payload', payloadOf(options)],
    ['expect', mapOf(status.position, [['status', status]])],
    ['timeout', timeout],
  ]);
}

/** The event: JSON in a text, with expressions inside of its texts. */
function payloadOf(options: Options): Node | undefined {
  const option = 'health-check-payload';
  const node = options.node(option);
  if (node === undefined) return undefined;
  const position = options.at(option);
  const json = node.kind === 'scalar' ? jsonOf(options, String(node.value)) : node;
  if (json === undefined) return undefined;
  return mapScalars(json, (scalar) =>
    typeof scalar.value === 'string'
      ? options.translated(scalar.value, node.kind === 'scalar' ? position : scalar.position, option, {
          place: 'payload',
        })
      : scalar,
  );
}

function jsonOf(options: Options, text: string): Node | undefined {
  const option = 'health-check-payload';
  const problem = findJsonProblem(text);
  if (problem === undefined) return nodeOf(parseJson(text) ?? null, options.at(option));
  const line = text.slice(0, problem.offset).split('\n').length;
  const where = text.trim().includes('\n') ? ` (line ${line} of it)` : '';
  if (problem.kind === 'number')
    options.refuse(option, `has a number that JSON cannot carry exactly${where}`, 'quote the number.');
  else options.refuse(option, `is no JSON${where}`, 'correct it; an expression has to stand inside of quotes.');
  return undefined;
}

function autoRollbackOf(options: Options, { name: key, reading }: About): Node | undefined {
  const flag = options.flag('auto-rollback');
  const at = options.at('auto-rollback');
  const code = flag === undefined ? 'ROLLS_BACK_BY_DEFAULT' : flag ? 'ROLLS_BACK_BY_ITSELF' : ('ROLLBACK_OFF' as const);
  reading.notes.add(code, at, { key, option: 'auto-rollback' });
  return flag === false ? leaf(false, at) : undefined;
}

function withoutEffect(options: Options, names: readonly Option[], why: string, { name: key, reading }: About): void {
  for (const option of names)
    if (options.has(option)) reading.notes.add('NO_EFFECT', options.at(option), { key, option }, [option, why]);
}
