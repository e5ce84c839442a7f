/** An HTTP proxy in front of a real S3 server that behaves like a bad server, or a bad network. */
import { once } from 'node:events';
import { createServer, request as httpRequest, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import { PutObjectCommand, type PutObjectCommandInput } from '@aws-sdk/client-s3';
import type { CephServer } from './ceph.ts';

export interface SeenRequest {
  method: string;
  /** Path and query. */
  url: string;
  headers: IncomingHttpHeaders;
}

export type S3Fault =
  /** The connection breaks before the server hears of it. */
  | { type: 'reset' }
  /** The connection breaks in the middle of the body that is sent. */
  | { type: 'cut-up' }
  /** The server does it, and the connection breaks before its answer. */
  | { type: 'lose-answer' }
  /** The connection breaks in the middle of the body that is received. */
  | { type: 'cut-down' }
  /** Half of the body is received, as if it were all. */
  | { type: 'shorten' }
  /** No answer, ever. */
  | { type: 'stall' }
  | { type: 'answer'; status: number; code?: string; headers?: Record<string, string> }
  /** What the same request was answered before. */
  | { type: 'stale' }
  /** A PUT is done whatever its conditions. */
  | { type: 'ignore-condition' };

export interface HostileS3 {
  readonly port: number;
  readonly endpoint: string;
  /** Asked for each request; may be changed at any time. */
  decide: (seen: SeenRequest) => S3Fault | undefined;
  /** Requests so far. */
  readonly seen: SeenRequest[];
  stop(): Promise<void>;
}

interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  body: Buffer;
}

export async function startHostileS3(ceph: CephServer): Promise<HostileS3> {
  const earlier = new Map<string, Answer>();
  const seen: SeenRequest[] = [];
  const server = createServer(async (incoming, outgoing) => {
    const { method = 'GET', url = '/', headers } = incoming;
    const asked = { method, url, headers };
    seen.push(asked);
    const fault = hostile.decide(asked);
    incoming.on('error', () => {});
    outgoing.on('error', () => {});
    if (fault?.type === 'reset') return void incoming.socket.destroy();
    const parts: Buffer[] = [];
    let received = 0;
    try {
      for await (const part of incoming) {
        received += part.length;
        if (fault?.type === 'cut-up' && received >= Number(headers['content-length'] ?? 0) / 2) {
          return void incoming.socket.destroy();
        }
        parts.push(part);
      }
      const body = Buffer.concat(parts);
      if (fault?.type === 'cut-up') return void incoming.socket.destroy();
      if (fault?.type === 'stall') return;
      if (fault?.type === 'answer') {
        const xml = fault.code ? `<Error><Code>${fault.code}</Code><Message>injected</Message></Error>` : '';
        return send(outgoing, { status: fault.status, headers: fault.headers ?? {}, body: Buffer.from(xml) }, method);
      }
      if (fault?.type === 'ignore-condition') return send(outgoing, await plainPut(ceph, asked, body), method);
      if (fault?.type === 'stale' && earlier.has(url)) return send(outgoing, earlier.get(url)!, method);
      const answer = await forward(ceph.port, asked, body);
      if (fault?.type === 'stale') earlier.set(url, answer);
      if (fault?.type === 'lose-answer') return void incoming.socket.destroy();
      if (fault?.type === 'shorten') answer.body = answer.body.subarray(0, answer.body.length >> 1);
      if (fault?.type === 'cut-down' && answer.body.length > 0) {
        const { 'transfer-encoding': _, ...kept } = answer.headers;
        outgoing.writeHead(answer.status, { ...kept, 'content-length': answer.body.length });
        outgoing.write(answer.body.subarray(0, answer.body.length >> 1), () => incoming.socket.destroy());
        return;
      }
      send(outgoing, answer, method);
    } catch {
      // Either side broke off; so does this.
      incoming.socket.destroy();
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  const hostile: HostileS3 = {
    port,
    endpoint: `http://127.0.0.1:${port}`,
    decide: () => undefined,
    seen,
    async stop() {
      server.close();
      server.closeAllConnections();
    },
  };
  return hostile;
}

async function forward(port: number, { method, url, headers }: SeenRequest, body: Buffer): Promise<Answer> {
  // The signature covers the name under which the client knows the server, so headers go on as they are.
  const request = httpRequest({ port, host: '127.0.0.1', method, path: url, headers, agent: false });
  request.end(body);
  const [response] = await once(request, 'response');
  const parts: Buffer[] = [];
  for await (const part of response) parts.push(part);
  return { status: response.statusCode, headers: response.headers, body: Buffer.concat(parts) };
}

function send(outgoing: ServerResponse, { status, headers, body }: Answer, method: string): void {
  const { connection: _, 'transfer-encoding': __, ...kept } = headers;
  outgoing.writeHead(status, method === 'HEAD' ? kept : { ...kept, 'content-length': body.length });
  outgoing.end(body);
}

/** Signed anew, since the conditions are signed. */
async function plainPut(ceph: CephServer, { url, headers }: SeenRequest, body: Buffer): Promise<Answer> {
  const [, bucket, key] = /^\/([^/]+)\/([^?]+)/.exec(url)!;
  const metadata = Object.entries(headers).filter(([name]) => name.startsWith('x-amz-meta-'));
  const client = await ceph.client();
  const input: PutObjectCommandInput = {
    ...{ Bucket: bucket!, Key: decodeURIComponent(key!), Body: body },
    Metadata: Object.fromEntries(metadata.map(([name, value]) => [name.slice('x-amz-meta-'.length), String(value)])),
  };
  const { ETag } = await client.send(new PutObjectCommand(input));
  return { status: 200, headers: { etag: ETag }, body: Buffer.alloc(0) };
}
