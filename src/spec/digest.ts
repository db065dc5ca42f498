import { createHash } from 'node:crypto';
import { canonicalJson, type Json } from '../model/json.js';

/**
 * sha256 in lower-case hex over a function as written and the digest of its code: equal for equal content, whatever the
 * order of keys. References stand in place of values, so neither a secret nor a build's variable has a part in it.
 */
export function specDigest(asWritten: Json, codeSha256: string | undefined): string {
  return createHash('sha256')
    .update(canonicalJson({ codeSha256: codeSha256 ?? null, spec: asWritten }))
    .digest('hex');
}
