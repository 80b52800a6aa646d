// What is billed of a run: pure, a function of its GPUJob and what is known of its Pods.
import { type GPUJob, gpujobDefaults } from '../../resources/gpujob.ts';

/** One run, as whoever runs it knows it. */
export interface RunBill {
  readonly run: number;
  readonly policyName: string;
  readonly product: string;
  /** Of all workers. */
  readonly cards: number;
  /** Epoch milliseconds: when its first Pod started. */
  readonly since: number;
}

/** What a run's Job and GPUJob say of it; undefined while no Pod has started. */
export function runBillOf(
  gpujob: GPUJob,
  run: { number: number; product: string; workers: number; startTime: string | undefined },
): RunBill | undefined {
  const { policyName, gpus } = gpujobDefaults(gpujob.spec);
  if (run.startTime === undefined) return undefined;
  const cards = gpus * run.workers;
  return { run: run.number, policyName, product: run.product, cards, since: Date.parse(run.startTime) };
}
