export const handler = async (event) => {
  if (event.path === '/health') return { statusCode: 200, body: 'ok' };
  return { statusCode: 200, body: `${event.sku} in ${process.env.AWS_REGION}, ${process.env.STAGE}: 7` };
};
