import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

/** A trust policy, as `iam-policy --trust` prints it. */
interface Trust {
  readonly Statement: readonly {
    readonly Condition: {
      readonly StringEquals: Readonly<Record<string, string>>;
      readonly StringLike: Readonly<Record<string, readonly string[]>>;
    };
  }[];
}

/** One role that was asked for. */
export interface Assumed {
  readonly role: string;
  readonly session: string;
  readonly subject: string;
  readonly isAllowed: boolean;
}

/**
 * STS as far as a job takes a role by its token: trusts as the role's policy says, without a look at the signature, and answers with
 * credentials whose access key is the role's name.
 *
 * @param trust by the role's ARN; a role that is not here nobody may take
 */
export async function startSts(
  trust: Readonly<Record<string, object>>,
): Promise<{ readonly url: string; readonly assumed: readonly Assumed[] }> {
  const assumed: Assumed[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      const form = new URLSearchParams(body);
      if (form.get('Action') === 'GetCallerIdentity') return void response.writeHead(200, XML).end(CALLER);
      const [role, session] = [form.get('RoleArn') ?? '', form.get('RoleSessionName') ?? ''];
      const claims = claimsOf(form.get('WebIdentityToken') ?? '');
      const isAllowed = form.get('Action') === 'AssumeRoleWithWebIdentity' && trusts(trust[role] as Trust, claims);
      assumed.push({ role, session, subject: claims['sub'] ?? '', isAllowed });
      response.writeHead(isAllowed ? 200 : 403, XML);
      response.end(isAllowed ? granted(role.split('/').at(-1) ?? '') : REFUSED);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => new Promise((resolve) => server.close(() => resolve())));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, assumed };
}

function claimsOf(token: string): Record<string, string> {
  try {
    return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as Record<string, string>;
  } catch {
    return {};
  }
}

function trusts(policy: Trust | undefined, claims: Record<string, string>): boolean {
  const of = (key: string): string => claims[key.split(':').at(-1) ?? ''] ?? '';
  return (policy?.Statement ?? []).some(({ Condition: { StringEquals, StringLike } }) => {
    const equal = Object.entries(StringEquals).every(([key, value]) => of(key) === value);
    return equal && Object.entries(StringLike).every(([key, values]) => values.some((value) => like(value, of(key))));
  });
}

function like(pattern: string, text: string): boolean {
  const source = pattern
    .replaceAll(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${source}$`).test(text);
}

const XML = { 'content-type': 'text/xml' };
const CALLER = `<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult><Account>123456789012</Account></GetCallerIdentityResult></GetCallerIdentityResponse>`;
const REFUSED = `<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>Not authorized to perform sts:AssumeRoleWithWebIdentity</Message></Error></ErrorResponse>`;

function granted(name: string): string {
  const until = new Date(Date.now() + 3_600_000).toISOString();
  return `<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>${name}</AccessKeyId><SecretAccessKey>sandbox</SecretAccessKey><SessionToken>session-of-${name}</SessionToken><Expiration>${until}</Expiration></Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>`;
}
