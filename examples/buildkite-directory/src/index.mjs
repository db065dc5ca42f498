import { greet } from './lib/greet.mjs';

export const handler = async ({ name }) => ({ statusCode: 200, body: JSON.stringify({ greeting: greet(name) }) });
