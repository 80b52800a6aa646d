// The books of the bill as they stand on the API server. It knows their published shape only, so that a mistake in the
// operator's own types can't hide itself here.
import { onTestFinished } from 'vitest';
import type { Api, KubernetesObject } from '../../hack/api/client.ts';
import { operatorKubeconfig } from '../setup/operator.ts';

export const booksPath = '/api/v1/namespaces/orquanta-system/configmaps';

export interface BookMap extends KubernetesObject {
  data?: Record<string, string>;
}

export async function booksOf(api: Api, policy: string): Promise<BookMap[]> {
  return (await api.get<{ items: BookMap[] }>(`${booksPath}?labelSelector=orquanta.io/policy=${policy}`)).items;
}

/** The month ('2026-11') that began so many months before this one, in UTC. */
export function monthsAgo(months: number): string {
  const now = new Date();
  return new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - months, 1)).toISOString().slice(0, 7);
}

/** Writes a book as an operator of that month left it. `open`: by '<gpujob uid>/<run>'. */
export async function leaveBook(
  api: Api,
  policy: string,
  month: string,
  open: Record<string, unknown> = {},
): Promise<void> {
  // The namespace comes with the operator's rights.
  await operatorKubeconfig();
  const book = { policy, month, currency: 'USD', spent: { past: 1_000_000 }, open, settled: {} };
  const labels = { 'orquanta.io/policy': policy, 'app.kubernetes.io/managed-by': 'orquanta' };
  const metadata = { name: `orquanta-bill-${policy}-${month}`, labels };
  await api.create(booksPath, { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { book: JSON.stringify(book) } });
}

/** The policy's books go when the test ends, whoever made them. */
export function forgetBooks(api: Api, policy: string): void {
  onTestFinished(async () => {
    for (const { metadata } of await booksOf(api, policy)) await api.delete(`${booksPath}/${metadata.name}`);
  });
}
