import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import type { Json } from '../../src/model/json.js';
import { editText } from '../../src/spec/edit.js';
import type { Path } from '../../src/spec/node.js';

const YAML = `# head
functions:
  app:   # why
    memorySize: 128   # megabytes

    handler: "index.handler" # quoted
    role: 'arn:role'
    layers: # ordered
      - one   # first
      - two
    # before the network
    vpcConfig:
      subnetIds: [ s1, s2 ]   # flow
      securityGroupIds:
        - g1
    note: |
      first
      second
    # behind a block
    description:
    kmsKeyArn: null
    tags: { team: us, cost: "42" }
    environment:
      ONLY: x
  # the second
  other:
    aliases:
      live:
`;

const JSON_TEXT = `{
  "functions": {
    "app": {
      "memorySize": 128,
      "layers": ["one"],
      "tags": { "team": "us" },
      "empty": {}
    }
  }
}
`;

/** Lines of the new text that the old has not, and the other way round. */
function changed(before: string, after: string): { gone: string[]; come: string[] } {
  const [old, now] = [before.split('\n'), after.split('\n')];
  return { gone: old.filter((line) => !now.includes(line)), come: now.filter((line) => !old.includes(line)) };
}

describe('editText', () => {
  it.each<[reason: string, path: Path, value: Json | undefined, gone: string[], come: string[]]>([
    [
      'a number, its comment stays',
      ['memorySize'],
      512,
      ['    memorySize: 128   # megabytes'],
      ['    memorySize: 512   # megabytes'],
    ],
    [
      'a quoted text stays quoted',
      ['handler'],
      'a.b',
      ['    handler: "index.handler" # quoted'],
      ['    handler: "a.b" # quoted'],
    ],
    ['a text that would be something else is quoted', ['role'], 'true', ["    role: 'arn:role'"], ["    role: 'true'"]],
    [
      'what single quotes hold stays in them',
      ['role'],
      "it's \\n",
      ["    role: 'arn:role'"],
      ["    role: 'it''s \\n'"],
    ],
    ['an expression is escaped', ['role'], 'a${B}', ["    role: 'arn:role'"], ["    role: 'a$${B}'"]],
    ['text of several lines', ['role'], 'a\nb: "c" #d', ["    role: 'arn:role'"], ['    role: "a\\nb: \\"c\\" #d"']],
    [
      'what hides or poses as other text is escaped',
      ['handler'],
      'a\u202eb\u200b\u0007\u{e0041}',
      ['    handler: "index.handler" # quoted'],
      ['    handler: "a\\u202eb\\u200b\\u0007\\udb40\\udc41" # quoted'],
    ],
    [
      'also without quotes',
      ['memorySize'],
      'a\u202eb',
      ['    memorySize: 128   # megabytes'],
      ['    memorySize: "a\\u202eb"   # megabytes'],
    ],
    ['a block of text', ['note'], 'short', ['    note: |', '      first', '      second'], ['    note: short']],
    ['one item of a list', ['layers'], ['one', 'new'], ['      - two'], ['      - new']],
    [
      'another item, its comment stays',
      ['layers'],
      ['new', 'two'],
      ['      - one   # first'],
      ['      - new   # first'],
    ],
    ['a longer list', ['layers'], ['one', 'two', 'three'], ['      - one   # first'], ['      - one', '      - three']],
    ['an empty list', ['layers'], [], ['      - one   # first', '      - two'], ['      []']],
    [
      'a list in brackets',
      ['vpcConfig', 'subnetIds'],
      ['s1', 'a, b'],
      ['      subnetIds: [ s1, s2 ]   # flow'],
      ['      subnetIds: [ s1, "a, b" ]   # flow'],
    ],
    [
      'a map of lines becomes null',
      ['vpcConfig'],
      null,
      ['    vpcConfig:', '      subnetIds: [ s1, s2 ]   # flow', '      securityGroupIds:', '        - g1'],
      ['    vpcConfig: null'],
    ],
    ['a key with nothing behind it', ['description'], 'theirs', ['    description:'], ['    description: theirs']],
    ['null', ['kmsKeyArn'], 'arn:key', ['    kmsKeyArn: null'], ['    kmsKeyArn: arn:key']],
    ['a member of null', ['kmsKeyArn', 'x'], 1, ['    kmsKeyArn: null'], ['    kmsKeyArn: { x: 1 }']],
    ['a member of nothing', ['description', 'x'], 1, ['    description:'], ['    description: { x: 1 }']],
    [
      'in braces',
      ['tags', 'team'],
      'them',
      ['    tags: { team: us, cost: "42" }'],
      ['    tags: { team: them, cost: "42" }'],
    ],
    [
      'one more in braces',
      ['tags', 'a'],
      '1, 2',
      ['    tags: { team: us, cost: "42" }'],
      ['    tags: { team: us, cost: "42", a: "1, 2" }'],
    ],
    [
      'the first of the braces goes',
      ['tags', 'team'],
      undefined,
      ['    tags: { team: us, cost: "42" }'],
      ['    tags: { cost: "42" }'],
    ],
    [
      'the last of the braces goes',
      ['tags', 'cost'],
      undefined,
      ['    tags: { team: us, cost: "42" }'],
      ['    tags: { team: us }'],
    ],
    ['a new key goes to the end', ['timeout'], 9, [], ['    timeout: 9']],
    ['a new member', ['environment', 'NEW'], 'y', [], ['      NEW: y']],
    ['a new map', ['loggingConfig', 'logGroup'], '/x', [], ['    loggingConfig: { logGroup: /x }']],
    ['a line goes', ['handler'], undefined, ['    handler: "index.handler" # quoted'], []],
    ['the only one goes', ['environment', 'ONLY'], undefined, ['      ONLY: x'], []],
  ])('YAML: %s', (_, path, value, gone, come) => {
    const text = editText(YAML, ['functions', 'app', ...path], value) ?? '';
    expect(changed(YAML, text)).toEqual({ gone, come });
    expect(() => parse(text) as unknown).not.toThrow();
    const windows = editText(YAML.replaceAll('\n', '\r\n'), ['functions', 'app', ...path], value);
    expect(windows).toBe(text.replaceAll('\n', '\r\n'));
  });

  it.each<[reason: string, path: Path, value: Json | undefined, come: string[]]>([
    ['a number', ['memorySize'], 512, ['      "memorySize": 512,']],
    ['a list', ['layers'], ['a', 'b'], ['      "layers": ["a", "b"],']],
    ['one more member', ['tags', 'a'], 'x', ['      "tags": { "team": "us", "a": "x" },']],
    ['one more key, on a line of its own', ['timeout'], 9, ['      "empty": {},', '      "timeout": 9']],
    [
      'a new map',
      ['loggingConfig', 'logGroup'],
      '/x',
      ['      "empty": {},', '      "loggingConfig": {"logGroup": "/x"}'],
    ],
    ['the last goes', ['empty'], undefined, ['      "tags": { "team": "us" }']],
  ])('JSON: %s', (_, path, value, come) => {
    const text = editText(JSON_TEXT, ['functions', 'app', ...path], value) ?? '';
    expect(changed(JSON_TEXT, text).come).toEqual(come);
    expect(() => JSON.parse(text) as unknown).not.toThrow();
  });

  it.each<[reason: string, path: Path, value: Json | undefined]>([
    ['a scalar is in the way', ['functions', 'app', 'memorySize', 'x'], 1],
    ['nothing to remove', ['functions', 'app', 'timeout'], undefined],
  ])('cannot: %s', (_, path, value) => {
    expect(editText(YAML, path, value)).toBeUndefined();
  });

  it('the alias with nothing behind it, as the last of the file', () => {
    const text = editText(YAML, ['functions', 'other', 'aliases', 'live', 'description'], 'theirs');
    expect(text).toBe(YAML.replace('live:\n', 'live: { description: theirs }\n'));
  });
});
