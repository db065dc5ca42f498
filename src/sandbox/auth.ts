import { createHash, createHmac, type Hash, type Hmac } from 'node:crypto';
import { SignatureV4 } from '@smithy/signature-v4';
import { AwsError, gatewayError } from './errors.js';

/** Every access key works with one of these. */
const SECRETS = ['sandbox', 'test'];
/** The access key that is always expired. */
const EXPIRED_KEY = 'EXPIRED';
/** How far a request's time may be from ours, in milliseconds. @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html */
const MAX_SKEW_MS = 5 * 60_000;

/** What a request says instead of its body's hash. */
const UNSIGNED = ['UNSIGNED-PAYLOAD', 'STREAMING-UNSIGNED-PAYLOAD-TRAILER'];

type Source = string | ArrayBuffer | ArrayBufferView;

function bytes(source: Source): string | Uint8Array {
  if (typeof source === 'string') return source;
  return ArrayBuffer.isView(source)
    ? new Uint8Array(source.buffer, source.byteOffset, source.byteLength)
    : new Uint8Array(source);
}

/** SHA-256 and its HMAC from Node, in the shape that the signature library asks for: an upload may have 70 MB. */
class Sha256 {
  private readonly hash: Hash | Hmac;

  constructor(secret?: Source) {
    this.hash = secret === undefined ? createHash('sha256') : createHmac('sha256', bytes(secret));
  }

  update(data: Source): void {
    this.hash.update(bytes(data));
  }

  digest(): Promise<Uint8Array> {
    return Promise.resolve(this.hash.digest());
  }
}

/** A request as it came over the wire. */
export interface SignedRequest {
  readonly method: string;
  /** Still percent-encoded, without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

interface Credential {
  readonly accessKeyId: string;
  readonly date: string;
  readonly region: string;
  readonly service: string;
  readonly signedHeaders: readonly string[];
  readonly signature: string;
}

/** Who signed, and for which region. */
export interface Identity {
  readonly accessKeyId: string;
  readonly region: string;
}

function parse(header: string): Credential {
  const parts =
    /^AWS4-HMAC-SHA256\s+Credential=([^/,\s]+)\/(\d{8})\/([^/,\s]+)\/([^/,\s]+)\/aws4_request,\s*SignedHeaders=([^,\s]+),\s*Signature=([0-9a-f]{64})$/.exec(
      header,
    );
  const [, accessKeyId, date, region, service, signedHeaders, signature] = parts ?? [];
  if (!accessKeyId || !date || !region || !service || !signedHeaders || !signature)
    throw gatewayError(
      403,
      'IncompleteSignatureException',
      'The Authorization header is not AWS4-HMAC-SHA256 with Credential, SignedHeaders and Signature.',
    );
  return { accessKeyId, date, region, service, signedHeaders: signedHeaders.split(';'), signature };
}

/** The time that the request was signed at. @throws AwsError InvalidSignatureException when it is too far from now */
function signingTime(request: SignedRequest, date: string): Date {
  const stamp = request.headers['x-amz-date'] ?? '';
  const [, y, mo, d, h, mi, s] = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(stamp) ?? [];
  const time = new Date(`${y}-${mo}-${d}T${h}:${mi}:${s}Z`);
  if (Number.isNaN(time.getTime()) || !stamp.startsWith(date))
    throw gatewayError(
      403,
      'InvalidSignatureException',
      'Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP',
    );
  if (Math.abs(Date.now() - time.getTime()) > MAX_SKEW_MS)
    throw gatewayError(403, 'InvalidSignatureException', `Signature expired: ${stamp} is not within 5 minutes of now`);
  return time;
}

function queryBag(query: URLSearchParams): Record<string, string | string[]> {
  const bag: Record<string, string | string[]> = {};
  for (const key of new Set(query.keys())) {
    const values = query.getAll(key);
    bag[key] = values.length === 1 ? (values[0] ?? '') : values;
  }
  return bag;
}

async function signatureOf(request: SignedRequest, credential: Credential, secret: string, at: Date): Promise<string> {
  const signer = new SignatureV4({
    service: credential.service,
    region: credential.region,
    credentials: { accessKeyId: credential.accessKeyId, secretAccessKey: secret },
    sha256: Sha256,
    applyChecksum: false,
    // S3 alone signs the path as it is sent: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
    uriEscapePath: credential.service !== 's3',
  });
  const signable = new Set(credential.signedHeaders);
  const headers = Object.fromEntries(Object.entries(request.headers).filter(([name]) => signable.has(name)));
  const signed = await signer.sign(
    {
      protocol: 'http:',
      hostname: request.headers.host ?? '',
      method: request.method,
      path: request.path,
      query: queryBag(request.query),
      headers,
      body: request.body,
    },
    { signingDate: at, signableHeaders: signable },
  );
  return /Signature=([0-9a-f]{64})$/.exec(signed.headers.authorization ?? '')?.[1] ?? '';
}

function bodyMatches(request: SignedRequest): boolean {
  const declared = request.headers['x-amz-content-sha256'];
  if (declared === undefined || UNSIGNED.includes(declared)) return true;
  return createHash('sha256').update(request.body).digest('hex') === declared;
}

/**
 * Verifies a request's AWS Signature Version 4: canonical request, signed headers, body, date and scope.
 *
 * @throws AwsError 403 MissingAuthenticationTokenException, IncompleteSignatureException, ExpiredTokenException (key id
 * `EXPIRED`) or InvalidSignatureException
 */
export async function authenticate(request: SignedRequest): Promise<Identity> {
  const header = request.headers.authorization;
  if (header === undefined)
    throw gatewayError(403, 'MissingAuthenticationTokenException', 'Missing Authentication Token');
  const credential = parse(header);
  if (credential.accessKeyId === EXPIRED_KEY)
    throw gatewayError(403, 'ExpiredTokenException', 'The security token included in the request is expired');
  const at = signingTime(request, credential.date);
  if (credential.signedHeaders.includes('host') && bodyMatches(request))
    for (const secret of SECRETS)
      if ((await signatureOf(request, credential, secret, at)) === credential.signature)
        return { accessKeyId: credential.accessKeyId, region: credential.region };
  throw new AwsError(403, 'InvalidSignatureException', {
    message:
      'The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.',
  });
}
