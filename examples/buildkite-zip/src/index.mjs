export const handler = async (event) => {
  if (event.path === '/health') return { statusCode: 200, body: 'ok' };
  return { statusCode: 200, body: `Receipt ${event.number}: ${event.total} EUR` };
};
