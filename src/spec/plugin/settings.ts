import { BUILD_VARIABLE, mayBeSecret } from '../advice.js';
import { isSecretName } from '../interpolate.js';
import { isJsonObject, type Json } from '../../model/json.js';
import { nodeAt, type MapNode, type Node, type Position, type ScalarNode } from '../node.js';
import type { Option, Options, Reading } from './options.js';
import { leaf, listOf, mapOf, nodeOf, writtenText } from './tree.js';

/** What the file says of a function, without its aliases. */
export type Settings = readonly (readonly [string, Node | undefined])[];

/** Where things are, and what the notes call the function. */
export interface About {
  readonly name: string;
  /** From the file's folder to the repository's root, where the plugin's paths begin: `../`, or nothing. */
  readonly toRoot: string;
  readonly reading: Reading;
}

/** The function's settings from the options of a deployment. */
export function settingsOf(options: Options, about: About): Settings {
  const type = options.choice('package-type', ['Zip', 'Image'] as const, 'Zip');
  const { notes } = about.reading;
  const key = about.name;
  const isImage = type === 'Image';
  const unlessImage = (name: Option): Node | undefined => {
    const node = options.text(name);
    if (!isImage || node === undefined) return node;
    notes.add('NOT_FOR_IMAGES', node.position, { key, option: name }, [name]);
    return undefined;
  };
  if (!options.has('role')) notes.add('ROLE_UNKNOWN', options.position, { key });
  return [
    ['code', type === undefined ? undefined : isImage ? imageCode(options, about) : zipCode(options, about)],
    ...description(options, about),
    ['runtime', unlessImage('runtime')],
    ['handler', unlessImage('handler')],
    ['role', options.text('role')],
    ['timeout', options.number('timeout')],
    ['memorySize', options.number('memory-size')],
    ['environment', environment(options, about)],
    ['imageConfig', imageConfig(options, isImage, about)],
  ];
}

function zipCode(options: Options, { toRoot, name: key, reading }: About): Node | undefined {
  const zip = options.text('zip-file');
  const [bucket, object] = [options.text('s3-bucket'), options.text('s3-key')];
  const unused = (option: Option, why: string): void => {
    if (options.has(option)) reading.notes.add('NO_EFFECT', options.at(option), { key, option }, [option, why]);
  };
  unused('image-uri', 'the package type is Zip');
  if (zip !== undefined) {
    for (const option of ['s3-bucket', 's3-key', 's3-object-version'] as const) unused(option, 'there is a `zip-file`');
    const path = String(zip.value).replace(/^(?:\.\/)+/, '');
    const isFixed = path.startsWith('/') || path.startsWith('${');
    return mapOf(options.position, [['zip', leaf(isFixed ? path : `${toRoot}${path}`, zip.position)]]);
  }
  if (bucket !== undefined && object !== undefined) {
    const version = options.text('s3-object-version');
    const s3 = mapOf(options.position, [
      ['bucket', bucket],
      ['key', object],
      ['version', version],
    ] as const);
    return mapOf(options.position, [['s3', s3]]);
  }
  const missing =
    bucket === undefined && object === undefined ? 'zip-file' : bucket === undefined ? 's3-bucket' : 's3-key';
  options.refuse(
    missing,
    'is missing: the plugin needs `zip-file`, or `s3-bucket` and `s3-key`',
    `add \`${missing}\`.`,
  );
  return undefined;
}

function imageCode(options: Options, { name: key, reading }: About): Node | undefined {
  for (const option of ['zip-file', 's3-bucket', 's3-key', 's3-object-version'] as const)
    if (options.has(option))
      reading.notes.add('NO_EFFECT', options.at(option), { key, option }, [option, 'the package type is Image']);
  const image = options.text('image-uri');
  if (image === undefined) {
    options.refuse('image-uri', 'is missing: a container image needs it', 'add `image-uri`.');
    return undefined;
  }
  const uri = String(image.value);
  // A tag stands after the last slash; what an expression holds is not known.
  const isTagged = /[:@][^/]*$|\$\{[^}]*\}$/.test(uri);
  if (!isTagged) reading.notes.add('IMAGE_LATEST', image.position, { key, option: 'image-uri' });
  return mapOf(options.position, [['image', leaf(isTagged ? uri : `${uri}:latest`, image.position)]]);
}

function description(options: Options, { name: key, reading }: About): Settings {
  const plain = options.text('description');
  if (plain === undefined) return [];
  if (!BUILD_VARIABLE.test(String(plain.value))) return [['description', plain]];
  reading.notes.add('DESCRIPTION_EACH_BUILD', plain.position, { key, option: 'description' });
  return [['versionDescription', options.text('description', { place: 'other', unset: 'local' })]];
}

function environment(options: Options, about: About): MapNode | undefined {
  const node = options.node('environment');
  const { position } = options;
  if (node === undefined) return undefined;
  const at = node.kind === 'map' ? node : textMap(writtenText(node) ?? '', node.position);
  if (at === undefined) {
    options.refuse('environment', 'is no map of variables', 'write a map, NAME: value.');
    return undefined;
  }
  if (node.kind === 'map')
    about.reading.notes.add('ENVIRONMENT_SET', options.at('environment'), { key: about.name, option: 'environment' });
  const entries = [...at.entries].flatMap(([name, { keyPosition, node: value }]) => {
    const leafNode = variable(name, value, { options, about, keyPosition });
    return leafNode === undefined ? [] : [[name, { keyPosition, node: leafNode }] as const];
  });
  return { kind: 'map', position, entries: new Map(entries) };
}

/** The two ways in which a text reached the plugin whole: JSON, and the aws CLI's `{NAME=value,NAME=value}`. */
function textMap(text: string, position: Position): MapNode | undefined {
  const raw = text.trim();
  const json = parseJson(raw);
  if (isJsonObject(json)) return nodeOf(json, position) as MapNode;
  const pairs = raw
    .replace(/^\{(.*)\}$/s, '$1')
    .split(',')
    .map((pair) => /^\s*([A-Za-z]\w*)=(.*)$/s.exec(pair));
  if (pairs.some((pair) => pair === null)) return undefined;
  return mapOf(
    position,
    pairs.map((pair) => [pair?.[1] ?? '', leaf(pair?.[2] ?? '', position)] as const),
  );
}

interface Place {
  readonly options: Options;
  readonly about: About;
  readonly keyPosition: Position;
}

/** Numbers and booleans keep their spelling. A secret's value does not get into the file. */
function variable(name: string, node: Node, { options, about, keyPosition }: Place): ScalarNode | undefined {
  if (node.kind !== 'scalar') {
    options.refuse('environment', `has a variable ${name} that is no text`, 'write text.', keyPosition);
    return undefined;
  }
  const raw = writtenText(node) ?? '';
  const translated = options.translated(raw, node.position, 'environment', { place: 'environment', variable: name });
  const text = String(translated.value);
  const note = { key: about.name, option: 'environment' };
  const isLiteral = !text.replaceAll('$${', '').includes('${');
  if (isLiteral && text !== '' && mayBeSecret(name, text)) {
    about.reading.notes.add('SECRET_LEFT_OUT', keyPosition, note, [name]);
    return leaf(`\${secret:${name}}`, node.position);
  }
  if (text.includes('${secret:') || (!isLiteral && isSecretName(name)))
    about.reading.notes.add('SECRET_OF_JOB', keyPosition, note, [name]);
  const [, changing] = BUILD_VARIABLE.exec(text) ?? [];
  if (changing !== undefined) about.reading.notes.add('VARIABLE_EACH_BUILD', keyPosition, note, [name, changing]);
  return translated;
}

/** What the file and the aws CLI call the members of `image-config`. */
const IMAGE_CONFIG = [
  ['entryPoint', 'entrypoint', 'EntryPoint'],
  ['command', 'command', 'Command'],
  ['workingDirectory', 'working-directory', 'WorkingDirectory'],
] as const;

function imageConfig(options: Options, isImage: boolean, { name: key, reading }: About): MapNode | undefined {
  const node = options.node('image-config');
  if (node === undefined) return undefined;
  const note = { key, option: 'image-config' };
  if (!isImage) {
    reading.notes.add('NO_EFFECT', options.at('image-config'), note, ['image-config', 'the package type is Zip']);
    return undefined;
  }
  const json = node.kind === 'scalar' ? parseJson(String(node.value)) : undefined;
  const map = isJsonObject(json) ? (nodeOf(json, node.position) as MapNode) : node;
  const known: readonly string[] = IMAGE_CONFIG.flatMap(([, ours, aws]) => [ours, aws]);
  if (map.kind !== 'map' || [...map.entries.keys()].some((name) => !known.includes(name))) {
    options.refuse('image-config', 'is no map of entrypoint, command and working-directory', 'write these alone.');
    return undefined;
  }
  if (node.kind === 'map') reading.notes.add('IMAGE_CONFIG_SET', options.at('image-config'), note);
  return mapOf(
    options.at('image-config'),
    IMAGE_CONFIG.map(([ours, plugin, aws]) => {
      const member = nodeAt(map, plugin) ?? nodeAt(map, aws);
      const isList = ours !== 'workingDirectory';
      return [ours, member === undefined ? undefined : words(member, isList, options)] as const;
    }),
  );
}

function words(node: Node, isList: boolean, options: Options): Node {
  const one = (item: Node): Node =>
    item.kind === 'scalar'
      ? options.translated(writtenText(item) ?? '', item.position, 'image-config', { place: 'other' })
      : item;
  if (!isList) return one(node);
  return listOf(node.position, node.kind === 'list' ? node.items.map(one) : [one(node)]);
}

/** `undefined`: no JSON. */
export function parseJson(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
}
