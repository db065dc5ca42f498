import { expect, it } from 'vitest';
import { planDeploy } from '../../src/planner/deploy.js';
import { desired, live } from './make.js';

const SIGNING = 'arn:aws:lambda:us-east-1:123456789012:code-signing-config:csc-0123456789abcdef0';

it('a container image is refused at plan time, also where the file does not name its code', () => {
  const image = live({ latest: { codeSha256: 'code-a', packageType: 'Image' } });
  const plan = (codeSigningConfigArn: string | null) =>
    planDeploy({
      desired: desired({ codeSigningConfigArn, aliases: [] }),
      live: image,
      records: [],
      recordsInTags: false,
    });
  expect(() => plan(SIGNING)).toThrow(expect.objectContaining({ code: 'IMAGE_SETTING' }));
  expect(plan(null).plan.action).toBe('none');
});
