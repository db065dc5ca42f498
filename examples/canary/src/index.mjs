const discount = Number(process.env.DISCOUNT) / 100;

const answer = (body) => ({ statusCode: 200, body: JSON.stringify(body) });

export const handler = async (event) => {
  if (event.path === '/health') return answer({ ok: discount >= 0 && discount < 1 });
  const { items } = JSON.parse(event.body);
  const quoted = items.map(({ sku, price }) => ({ sku, price: Math.round(price * (1 - discount)) }));
  return answer({ currency: 'EUR', items: quoted });
};
