// The names under which OrQuanta marks what it makes. They are API: tools and people select by them.

export const group = 'orquanta.io';

export const labels = {
  /** On every Job, Service and Pod of a run, with the next two. */
  gpujob: `${group}/gpujob`,
  gpujobUID: `${group}/gpujob-uid`,
  run: `${group}/run`,
  /** On every version in the ledger, and on every bill. */
  policy: `${group}/policy`,
  managedBy: 'app.kubernetes.io/managed-by',
} as const;

export const managedBy = 'orquanta';

export const annotations = {
  /** On a run's Job: what it holds and where, as JSON, so that reservations can be rebuilt from what runs. */
  reservation: `${group}/reservation`,
  /** On a GPUJob: a new token opens it again where it has failed, and cuts its back-off short. */
  retry: `${group}/retry`,
  /** On a SovereignPolicy: '<version>@<token>' asks for the weights of that version. */
  rollback: `${group}/rollback`,
  /** On a SovereignPolicy: a new token asks for the baseline. */
  reset: `${group}/reset`,
  /** On a HeatObserver: a new token asks for the golden verification. */
  verify: `${group}/verify`,
  /** On the SovereignPolicy that the operator made: the day of the shipped catalogue in it. Removed: the catalogue is your own. */
  catalogue: `${group}/catalogue`,
} as const;
