export const handler = async (event) => {
  if (event.path === '/health') return { statusCode: 200, body: 'ok' };
  return { statusCode: 200, body: `Statement of ${event.month}` };
};
