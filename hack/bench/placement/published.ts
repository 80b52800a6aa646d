// What the paper's authors measured on the same two lists: "Beware of Fragmentation: Scheduling GPU-Sharing Workloads with
// Fragmentation Gradient Descent" (USENIX ATC'23), result tables of hkust-adsl/kubernetes-scheduler-simulator (Apache-2.0).
import type { ListName } from './run.ts';

/** Cards allocated, in % of the cluster's, when 100 % and 130 % have been asked for. */
export interface Allocation {
  readonly at100: number;
  readonly at130: number;
}

export interface Published {
  readonly name: string;
  readonly means: Readonly<Record<ListName, Allocation>>;
}

/** The highest: the paper's own. */
export const reference: Published = {
  name: 'FGD',
  means: { default: { at100: 95.23, at130: 95.39 }, gpuspec10: { at100: 94.66, at130: 94.95 } },
};

/** Means of their ten seeds, as shared/data/openb/README.md has them, the lowest first. */
export const published: readonly Published[] = [
  { name: 'Random', means: { default: { at100: 86.3, at130: 87.47 }, gpuspec10: { at100: 86.26, at130: 87.43 } } },
  { name: 'DotProd', means: { default: { at100: 90.62, at130: 90.85 }, gpuspec10: { at100: 90.17, at130: 90.39 } } },
  { name: 'Clustering', means: { default: { at100: 91.65, at130: 91.88 }, gpuspec10: { at100: 91.96, at130: 92.18 } } },
  { name: 'Packing', means: { default: { at100: 91.78, at130: 92 }, gpuspec10: { at100: 92.24, at130: 92.46 } } },
  { name: 'BestFit', means: { default: { at100: 92.86, at130: 93.08 }, gpuspec10: { at100: 93.1, at130: 93.31 } } },
  reference,
];
