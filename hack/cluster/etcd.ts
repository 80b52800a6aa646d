// What tests ask of etcd itself: to forget, and to have a value altered behind the API server's back. Over etcd's JSON
// gateway at its socket; it knows nothing of what Kubernetes keeps there.
import { Agent, request } from 'undici';

interface Answer {
  header: { revision: string };
  /** Base64. */
  kvs?: { value: string }[];
}

const limitMilliseconds = 10_000;

async function post(dispatcher: Agent, path: string, content: object): Promise<Answer> {
  const body = JSON.stringify(content);
  const signal = AbortSignal.timeout(limitMilliseconds);
  const answer = await request(`http://etcd${path}`, { method: 'POST', dispatcher, body, signal });
  const text = await answer.body.text();
  if (answer.statusCode === 200) return JSON.parse(text) as Answer;
  throw new Error(`etcd answered POST ${path} with ${answer.statusCode}: ${text}`);
}

/**
 * Compacts etcd at its present revision, which a write of its own has just moved on: compaction spares the revision it
 * is given, so without the write the newest version that anybody knows would stay readable.
 */
export function compactEtcd(socketPath: string): Promise<void> {
  return withEtcd(socketPath, async (dispatcher) => {
    const key = base64('orquanta.io/compacted');
    const { header } = await post(dispatcher, '/v3/kv/put', { key });
    await post(dispatcher, '/v3/kv/compaction', { revision: header.revision, physical: true });
  });
}

/** Both texts are of one length: Kubernetes keeps its own kinds as protobuf, which counts bytes. */
export function alterEtcd(socketPath: string, name: string, from: string, to: string): Promise<void> {
  return withEtcd(socketPath, async (dispatcher) => {
    const key = base64(name);
    const { kvs } = await post(dispatcher, '/v3/kv/range', { key });
    const value = Buffer.from(kvs?.[0]?.value ?? '', 'base64');
    const at = value.indexOf(from);
    if (at < 0 || from.length !== to.length)
      throw new Error(`etcd has no ${from} under ${name} to be replaced by ${to}`);
    value.write(to, at, 'latin1');
    await post(dispatcher, '/v3/kv/put', { key, value: value.toString('base64') });
  });
}

async function withEtcd(socketPath: string, task: (dispatcher: Agent) => Promise<void>): Promise<void> {
  const dispatcher = new Agent({ connect: { socketPath } });
  try {
    await task(dispatcher);
  } finally {
    await dispatcher.destroy();
  }
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}
