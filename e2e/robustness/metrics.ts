// What an operator says in its own metrics, read as Prometheus would.
import { request } from 'undici';
import type { Operator } from '../setup/operator.ts';

export async function metricsOf({ metricsAddress }: Operator): Promise<string> {
  const { body } = await request(`http://${metricsAddress}/metrics`);
  return body.text();
}

/** Of all series of a metric. */
export function sumOf(metrics: string, name: string): number {
  const lines = metrics.split('\n').filter((line) => line.startsWith(name));
  return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
}

export async function isLeading(operator: Operator): Promise<boolean> {
  return /^leader_election_master_status\{[^}]*\} 1$/m.test(await metricsOf(operator));
}

/** Cards by what the operator believes of them, of all products or of one. */
export async function cardsOf(operator: Operator, product?: string): Promise<{ allocated: number; free: number }> {
  const cards = { allocated: 0, free: 0 };
  for (const [, ofProduct, state, value] of (await metricsOf(operator)).matchAll(
    /^orquanta_cards\{.*product="([^"]*)".*state="(\w+)".*\} (\d+)$/gm,
  )) {
    if (product === undefined || product === ofProduct) cards[state as keyof typeof cards] += Number(value);
  }
  return cards;
}
