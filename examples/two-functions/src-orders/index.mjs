export const handler = async (event) => {
  if (event.path === '/health') return { statusCode: 200, body: 'ok' };
  const total = (event.items ?? []).reduce((sum, { price, count }) => sum + price * count, 0);
  return { statusCode: 200, body: JSON.stringify({ total, currency: process.env.CURRENCY }) };
};
