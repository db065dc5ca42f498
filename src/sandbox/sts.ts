import { randomUUID } from 'node:crypto';
import type { Answer, Call } from './call.js';

const NAMESPACE = 'https://sts.amazonaws.com/doc/2011-06-15/';
const XML = { 'content-type': 'text/xml' };

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** GetCallerIdentity of the query protocol. */
export function getCallerIdentity(call: Call): Answer {
  const { account } = call.state;
  const text =
    `<GetCallerIdentityResponse xmlns="${NAMESPACE}"><GetCallerIdentityResult>` +
    `<Arn>arn:aws:iam::${account}:user/sandbox</Arn><UserId>AIDASANDBOX</UserId><Account>${account}</Account>` +
    `</GetCallerIdentityResult><ResponseMetadata><RequestId>${randomUUID()}</RequestId></ResponseMetadata>` +
    `</GetCallerIdentityResponse>`;
  return { status: 200, text, headers: XML };
}

/** The query protocol's form of an error. STS names two of them without the suffix that Lambda's gateway gives. */
export function queryError(status: number, code: string, message: string): Answer {
  const name = code === 'InvalidSignatureException' ? 'SignatureDoesNotMatch' : code.replace(/Exception$/, '');
  const text =
    `<ErrorResponse xmlns="${NAMESPACE}"><Error><Type>Sender</Type><Code>${escape(name)}</Code>` +
    `<Message>${escape(message)}</Message></Error><RequestId>${randomUUID()}</RequestId></ErrorResponse>`;
  return { status, text, headers: XML };
}
