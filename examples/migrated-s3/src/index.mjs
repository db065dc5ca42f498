export const handler = async () => 'report';
