// What an operator says in its own metrics, read as Prometheus would.
import { request } from 'undici';
import type { Operator } from '../setup/operator.ts';

export async function metricsOf({ metricsAddress }: Operator): Promise<string> {
  const { body } = await request(`http://${metricsAddress}/metrics`);
  return body.text();
}

export async function isLeading(operator: Operator): Promise<boolean> {
  return /^leader_election_master_status\{[^}]*\} 1$/m.test(await metricsOf(operator));
}

/** Cards of all products by what the operator believes of them. */
export async function cardsOf(operator: Operator): Promise<{ allocated: number; free: number }> {
  const cards = { allocated: 0, free: 0 };
  for (const [, state, value] of (await metricsOf(operator)).matchAll(
    /^orquanta_cards\{.*state="(\w+)".*\} (\d+)$/gm,
  )) {
    cards[state as keyof typeof cards] += Number(value);
  }
  return cards;
}
