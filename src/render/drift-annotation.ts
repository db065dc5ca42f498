import type { DriftDocument } from '../model/drift.js';
import { fitted, subjectText, type Subject } from './annotation.js';
import { closing, isOnlyUndeclared } from './drift.js';
import { driftSection } from './drift-markdown.js';
import { code, strong, text } from './markdown.js';
import { plain } from './text.js';

/** The ways out of drift, for who reads it first. */
const WAYS_OUT = [
  `- ${code('lambda-deploy apply')} puts back what the file says`,
  `- ${code('lambda-deploy drift --adopt')} writes what AWS has into the file, ready to be committed`,
  `- ${code('ignoreChanges')} in the file leaves a path to others`,
];

/** Drift for who looks at a scheduled build: each difference, who made it where that is known, and the three ways out. */
export function driftAnnotation(document: DriftDocument, subject: Subject): string {
  const { functions, drifted } = document;
  const told = functions.filter(
    ({ differences, rollouts, notes, adopted = [], left = [] }) =>
      differences.length + rollouts.length + notes.length + adopted.length + left.length > 0,
  );
  const same = functions.length - told.length;
  const isMoved = drifted && !isOnlyUndeclared(document);
  const outcome = isMoved ? strong('drift found') : text(plain([closing(document)]).trim());
  const head = `Drift of ${subjectText(subject)}: ${outcome}\n\n`;
  const foot = [
    ...(same > 0 && told.length > 0 ? [`The other ${same} have no drift.\n`] : []),
    ...(isMoved ? [`${strong('Ways out')}\n\n${WAYS_OUT.join('\n')}\n`] : []),
  ];
  const parts = told.map((one) => ({ short: driftSection(one) }));
  return fitted(head, parts, foot.join('\n'), 'The job’s log has them.');
}
