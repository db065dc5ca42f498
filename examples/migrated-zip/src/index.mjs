// The stage comes from the environment, which the plugin dropped.
export const handler = async () => ({ statusCode: 200, body: `invoices of ${process.env.STAGE}` });
