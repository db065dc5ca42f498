export const handler = async ({ path }) => ({ statusCode: path === '/status' ? 204 : 404 });
