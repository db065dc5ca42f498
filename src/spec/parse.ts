import { isAlias, isMap, isPair, isScalar, isSeq, LineCounter, parseDocument, type Document } from 'yaml';
import type { Entry, MapNode, Node, Path, Position, ScalarNode } from './node.js';
import { formatPath } from './node.js';
import type { Finding } from './findings.js';
import { at, positionOf, syntaxFindings, TOO_DEEP } from './syntax.js';

/** How many nodes YAML aliases may add to a file. People share a handful of settings; a bomb has millions. */
const MAX_NODES_FROM_ALIASES = 10_000;

/** YAML's merge key; quoted it is a key like any other. */
const MERGE_KEY = '<<';

/** A `%YAML 1.1` line must not turn `yes` into true; tags are refused; the parser's own log level hides several documents. */
const YAML_OPTIONS = { schema: 'core', resolveKnownTags: false, prettyErrors: false, logLevel: 'error' } as const;

/** A file's text as a tree with positions; or the findings that say why there is none. */
export type Parsed = { readonly root: Node; readonly findings: [] } | { readonly findings: readonly Finding[] };

/**
 * Parses YAML 1.2 or JSON. Never throws: whatever the bytes are, the result is a tree or at least one finding.
 * Refused with a position: text that is not UTF-8, broken syntax (the first error only, what follows it is noise),
 * duplicate keys (all), keys that are not scalars, custom tags, several documents, aliases that contain themselves, are
 * not defined or expand without bound.
 */
export function parseFile(bytes: Uint8Array): Parsed {
  const text = decode(bytes);
  if (typeof text !== 'string') return { findings: [text] };
  const lines = new LineCounter();
  try {
    const document = parseDocument(text, { ...YAML_OPTIONS, lineCounter: lines });
    const broken = syntaxFindings(document, text, lines);
    if (broken.length > 0) return { findings: broken };
    return new Builder(document, lines).build();
  } catch (error) {
    // The parser recurses; a text of ten thousand brackets exhausts the stack.
    if (!(error instanceof RangeError)) throw error;
    return { findings: [at({ line: 1, column: 1 }, 'YAML_SYNTAX', TOO_DEEP)] };
  }
}

function decode(bytes: Uint8Array): string | Finding {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    // The lossy text is equal up to the first bad byte, where it has a replacement character.
    const before = new TextDecoder('utf-8').decode(bytes).split('\uFFFD', 1)[0] ?? '';
    const lines = before.split('\n');
    const position = { line: lines.length, column: (lines.at(-1)?.length ?? 0) + 1 };
    return at(position, 'NOT_UTF8', 'The bytes here are not UTF-8.', 'save the file as UTF-8.');
  }
}

class Builder {
  readonly #findings: Finding[] = [];
  readonly #open = new Set<unknown>();
  #fromAliases = 0;
  #aliasDepth = 0;

  constructor(
    private readonly document: Document,
    private readonly lines: LineCounter,
  ) {}

  build(): Parsed {
    const root = this.#node(this.document.contents, []);
    return this.#findings.length > 0 ? { findings: this.#findings } : { root, findings: [] };
  }

  #node(yaml: unknown, path: Path): Node {
    if (this.#aliasDepth > 0) this.#fromAliases += 1;
    if (isAlias(yaml)) return this.#alias(yaml, path);
    const position = this.#position(yaml);
    if (this.#open.has(yaml)) return this.#cycle(position, path);
    if (isScalar(yaml)) return scalar(position, yaml.value, yaml.source);
    if (!isMap(yaml) && !isSeq(yaml)) return scalar(position, null, '');
    this.#open.add(yaml);
    const node: Node = isMap(yaml)
      ? this.#map(yaml.items, position, path)
      : { kind: 'list', position, items: yaml.items.map((item, index) => this.#node(item, [...path, index])) };
    this.#open.delete(yaml);
    return node;
  }

  #map(items: readonly unknown[], position: Position, path: Path): MapNode {
    const entries = new Map<string, Entry>();
    const merged: Entry[] = [];
    for (const pair of items) {
      if (!isPair(pair)) continue;
      const keyPosition = this.#position(pair.key);
      if (!isScalar(pair.key)) {
        this.#findings.push(at(keyPosition, 'YAML_SYNTAX', 'A key must be a plain word.', 'quote the key.', path));
        continue;
      }
      // `123:` and `"123":` name the same alias; YAML's number has no place in a JSON map.
      const key = typeof pair.key.value === 'string' ? pair.key.value : (pair.key.source ?? '');
      if (entries.has(key))
        this.#findings.push(
          at(
            keyPosition,
            'DUPLICATE_KEY',
            `The key \`${key}\` stands twice in the same map.`,
            'remove one of the two.',
            path,
          ),
        );
      const node = this.#node(pair.value, [...path, key]);
      if (key === MERGE_KEY && pair.key.type === 'PLAIN') {
        merged.push({ keyPosition, node });
        continue;
      }
      // A value that is not there stands where its key does.
      entries.set(key, { keyPosition, node: isNothing(node) ? { ...node, position: keyPosition } : node });
    }
    for (const [key, entry] of merged.flatMap((one) => this.#merged(one, path)))
      if (!entries.has(key)) entries.set(key, entry);
    return { kind: 'map', position, entries };
  }

  /** What `<<: *anchor` or `<<: [*one, *two]` adds; of two maps the first wins, and what stands beside wins over both. */
  #merged({ keyPosition, node }: Entry, path: Path): readonly (readonly [string, Entry])[] {
    const maps = node.kind === 'list' ? node.items : [node];
    return maps.flatMap((map) => {
      if (map.kind === 'map') return [...map.entries];
      if (this.#findings.length === 0)
        this.#findings.push(at(keyPosition, 'YAML_SYNTAX', '`<<` merges maps only.', 'name an anchor of a map.', path));
      return [];
    });
  }

  #alias(alias: { source: string; resolve(document: Document): unknown }, path: Path): Node {
    const position = this.#position(alias);
    if (this.#fromAliases > MAX_NODES_FROM_ALIASES) {
      const message = `YAML aliases expand to more than ${MAX_NODES_FROM_ALIASES} values here.`;
      if (!this.#findings.some((finding) => finding.code === 'ALIAS_BOMB'))
        this.#findings.push(at(position, 'ALIAS_BOMB', message, 'write the values out, or use `defaults`.', path));
      return scalar(position, null, '');
    }
    const target = alias.resolve(this.document);
    if (target === undefined) {
      const message = `No anchor \`&${alias.source}\` stands before this alias.`;
      this.#findings.push(at(position, 'YAML_SYNTAX', message, 'quote the value if no YAML alias is meant.', path));
      return scalar(position, null, '');
    }
    if (this.#open.has(target)) return this.#cycle(position, path);
    this.#aliasDepth += 1;
    const node = this.#node(target, path);
    this.#aliasDepth -= 1;
    return node;
  }

  #cycle(position: Position, path: Path): Node {
    const message = `The YAML alias in ${formatPath(path) || 'the root'} contains itself.`;
    this.#findings.push(at(position, 'ALIAS_CYCLE', message, 'remove the alias.', path));
    return scalar(position, null, '');
  }

  #position(yaml: unknown): Position {
    const range = (yaml as { range?: readonly number[] | null } | null)?.range;
    return positionOf(this.lines, range?.[0] ?? 0);
  }
}

function scalar(position: Position, value: unknown, source: string | undefined): ScalarNode {
  const known = value === null || typeof value === 'number' || typeof value === 'boolean' ? value : String(value);
  return { kind: 'scalar', position, value: known, source: source ?? String(known ?? '') };
}

function isNothing(node: Node): boolean {
  return node.kind === 'scalar' && node.value === null && node.source === '';
}
