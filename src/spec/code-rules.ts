import type { Finding } from './findings.js';
import { isLeftToOthers } from './merge.js';
import { formatPath, nodeAt, textAt, type MapNode, type Path } from './node.js';
import { NO_SNAPSTART } from './runtimes.js';

/** What a container image brings itself, and Lambda refuses beside one. */
const NOT_BESIDE_IMAGES = [
  ['runtime'],
  ['handler'],
  ['layers'],
  ['snapStart'],
  ['codeSigningConfigArn'],
  ['code', 'sourceKmsKeyArn'],
];

/** Refuses what Lambda refuses beside a container image; resets may stand there. */
export function imageSettings(node: MapNode, path: Path): readonly Finding[] {
  if (nodeAt(node, 'code', 'image') === undefined) return [];
  return NOT_BESIDE_IMAGES.flatMap((below) => {
    const found = nodeAt(node, ...below);
    const isReset = found?.kind === 'scalar' && found.value === null;
    if (found === undefined || isReset || textAt(found, 'applyOn') === 'None') return [];
    const at = [...path, ...below];
    const message = `${formatPath(at)} cannot stand beside \`code.image\`.`;
    const fix = 'remove it; a container image brings its own.';
    return [{ code: 'IMAGE_SETTING', position: found.position, path: at, message, fix }];
  });
}

/** Refuses `reproducible` where there is no zip to pack again. */
export function reproducibleNeedsZip(node: MapNode, path: Path): readonly Finding[] {
  const found = nodeAt(node, 'code', 'reproducible');
  if (found?.kind !== 'scalar' || found.value !== true || nodeAt(node, 'code', 'zip') !== undefined) return [];
  const at = [...path, 'code', 'reproducible'];
  const message = `${formatPath(at)} needs \`zip\`: a directory is packed reproducibly anyway, and nothing else is packed here.`;
  return [{ code: 'REPRODUCIBLE_WITHOUT_ZIP', position: found.position, path: at, message, fix: 'remove it.' }];
}

/** Refuses SnapStart for a runtime that has none. */
export function snapStartRuntime(node: MapNode, path: Path): readonly Finding[] {
  const found = nodeAt(node, 'snapStart', 'applyOn');
  const runtime = textAt(node, 'runtime');
  if (found === undefined || textAt(found) !== 'PublishedVersions') return [];
  if (runtime === undefined || !NO_SNAPSTART.test(runtime)) return [];
  const at = [...path, 'snapStart', 'applyOn'];
  const message = `${formatPath(at)} is PublishedVersions; ${runtime} has no SnapStart: Java 11, Python 3.12, .NET 8 and newer have.`;
  const fix = 'remove `snapStart`, or use one of these runtimes.';
  return [{ code: 'SNAPSTART_RUNTIME', position: found.position, path: at, message, fix }];
}

/** Refuses a key of a part that `manage` leaves to others: it would have no effect. */
export function leftToOthers(node: MapNode, path: Path): readonly Finding[] {
  return [...node.entries].flatMap(([key, { keyPosition }]) => {
    if (!isLeftToOthers(node, key)) return [];
    const at = [...path, key];
    const message = `${formatPath(at)} has no effect: \`manage\` leaves it to others.`;
    return [
      {
        code: 'LEFT_TO_OTHERS',
        position: keyPosition,
        path: at,
        message,
        fix: 'remove it, or name its part in `manage`.',
      },
    ];
  });
}
