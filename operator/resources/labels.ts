// The names under which OrQuanta marks what it makes. They are API: tools and people select by them.

export const group = 'orquanta.io';

/** On every Job, Service and Pod of a run. */
export const labels = {
  gpujob: `${group}/gpujob`,
  gpujobUID: `${group}/gpujob-uid`,
  run: `${group}/run`,
  managedBy: 'app.kubernetes.io/managed-by',
} as const;

export const managedBy = 'orquanta';

export const annotations = {
  /** On a run's Job: what it holds and where, as JSON, so that reservations can be rebuilt from what runs. */
  reservation: `${group}/reservation`,
} as const;
