export const handler = async ({ length, width }) => ({
  statusCode: 200,
  body: JSON.stringify({ area: length * width, format: process.env.FORMAT }),
});
