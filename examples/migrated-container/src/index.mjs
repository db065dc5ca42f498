// What the image runs; the sandbox takes this folder for it.
export const handler = async ({ width, height }) => ({ statusCode: 200, body: `${width}x${height}` });
