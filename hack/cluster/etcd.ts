// The one thing that tests ask of etcd itself: to forget. Over etcd's JSON gateway at its socket; it knows nothing of
// what Kubernetes keeps there, and reads none of it.
import { Agent, request } from 'undici';

interface Answer {
  header: { revision: string };
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
export async function compactEtcd(socketPath: string): Promise<void> {
  const dispatcher = new Agent({ connect: { socketPath } });
  try {
    const key = Buffer.from('orquanta.io/compacted').toString('base64');
    const { header } = await post(dispatcher, '/v3/kv/put', { key });
    await post(dispatcher, '/v3/kv/compaction', { revision: header.revision, physical: true });
  } finally {
    await dispatcher.destroy();
  }
}
