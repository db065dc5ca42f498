import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

/** What arrived, body parsed. */
export interface Arrival {
  readonly method: string;
  /** With the query. */
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: unknown;
}

/** A canned answer; `hang`: none at all, `reset`: the connection dies after the request arrived. */
export interface Canned {
  readonly status?: number;
  readonly type?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** An object is sent as JSON, a string as it is. */
  readonly body?: unknown;
  readonly fault?: 'hang' | 'reset';
}

/** An AWS error as Lambda words it. */
export function awsError(status: number, type: string, message: string, headers: Record<string, string> = {}): Canned {
  return {
    status,
    headers: { 'x-amzn-errortype': type, 'x-amzn-requestid': 'req-1', ...headers },
    body: { Type: 'User', message },
  };
}

/** An endpoint that answers what `answer` says and remembers what arrived. */
export class CannedServer {
  readonly arrivals: Arrival[] = [];
  private readonly sockets = new Set<Socket>();
  private readonly server = createServer((request, response) => void this.handle(request, response));

  constructor(private readonly answer: (arrival: Arrival) => Canned) {}

  async start(): Promise<string> {
    this.server.on('connection', (socket) => {
      this.sockets.add(socket);
      socket.on('close', () => this.sockets.delete(socket));
    });
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    return this.address;
  }

  get address(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise<void>((resolve) => this.server.close(() => resolve()));
  }

  private async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString('utf8');
    const arrival = {
      method: request.method ?? '',
      path: request.url ?? '',
      headers: request.headers,
      body: parsed(text),
    };
    this.arrivals.push(arrival);
    const canned = this.answer(arrival);
    if (canned.fault === 'hang') return;
    if (canned.fault === 'reset') return void request.socket.destroy();
    const body = typeof canned.body === 'string' ? canned.body : JSON.stringify(canned.body ?? {});
    response.writeHead(canned.status ?? 200, { 'content-type': canned.type ?? 'application/json', ...canned.headers });
    response.end(canned.status === 204 ? undefined : body);
  }
}

/** Other services do not speak JSON; their text is kept. */
function parsed(text: string): unknown {
  if (text === '') return undefined;
  return text.startsWith('{') ? JSON.parse(text) : text;
}
