// What the Grafana dashboard shows, row by row. How Grafana writes it down is dashboard.ts' business.

export interface Panel {
  readonly title: string;
  readonly description: string;
  /** Grafana's word for it (its "unit" of a field): short, s, percentunit, reqps, bytes, ... */
  readonly unit: string;
  /** What Grafana calls the kind of panel. Default: timeseries. */
  readonly kind?: 'stat' | 'timeseries';
  /** Legend to expression. Grafana fills in the labels of a legend. */
  readonly series: Readonly<Record<string, string>>;
}

export interface Row {
  readonly title: string;
  readonly panels: readonly Panel[];
}

/** The release that is looked at. */
const own = 'namespace=~"$namespace",job=~"$job"';
const rate = (metric: string, ...matchers: string[]): string =>
  `rate(${metric}{${[own, ...matchers].join(',')}}[$__rate_interval])`;
const quantile = (share: number, metric: string, by = 'le'): string =>
  `histogram_quantile(${share}, sum by (${by}) (${rate(`${metric}_bucket`)}))`;
/** Of several replicas the leader's. */
const newest = (metric: string, by: string, ...matchers: string[]): string =>
  `max by (${by}) (${metric}{${[own, ...matchers].join(',')}})`;

const now: Row = {
  title: 'Now',
  panels: [
    {
      title: 'Jobs that wait',
      description: 'GPUJobs that wait for cards, whatever the reason.',
      unit: 'short',
      kind: 'stat',
      series: { waiting: `sum(${newest('orquanta_queue_jobs', 'reason')})` },
    },
    {
      title: 'Free cards',
      description: 'Cards that nobody holds, of all products.',
      unit: 'short',
      kind: 'stat',
      series: { free: `sum(${newest('orquanta_cards', 'product', 'state="free"')})` },
    },
    {
      title: 'Cards in use',
      description: 'Share of the cards that somebody holds, people outside OrQuanta included.',
      unit: 'percentunit',
      kind: 'stat',
      series: {
        'in use': `sum(${newest('orquanta_cards', 'product', 'state="allocated"')}) / sum(${newest('orquanta_cards', 'product, state')})`,
      },
    },
    {
      title: 'Operators that lead',
      description: 'One, and no more; none where leader election is off.',
      unit: 'short',
      kind: 'stat',
      series: { leading: `sum(leader_election_master_status{${own}})` },
    },
  ],
};

const jobs: Row = {
  title: 'Jobs',
  panels: [
    {
      title: 'Waiting, by reason',
      description: 'GPUJobs in the queue. docs/reasons.md says what each reason means.',
      unit: 'short',
      series: { '{{reason}}': newest('orquanta_queue_jobs', 'reason') },
    },
    {
      title: 'Time in the queue',
      description: 'From creation, or from the end of the run before, to a placement.',
      unit: 's',
      series: {
        median: quantile(0.5, 'orquanta_queue_wait_seconds'),
        'nine in ten': quantile(0.9, 'orquanta_queue_wait_seconds'),
      },
    },
    {
      title: 'Runs placed, by product',
      description: 'Runs that were given cards, each second.',
      unit: 'ops',
      series: { '{{product}}': `sum by (product) (${rate('orquanta_placements_total')})` },
    },
    {
      title: 'Runs ended, by outcome',
      description: 'Runs that are over, each second.',
      unit: 'ops',
      series: { '{{outcome}}': `sum by (outcome) (${rate('orquanta_runs_ended_total')})` },
    },
    {
      title: 'Out of GPU memory, by blame',
      description: 'Who used up the memory: OwnUse grows the job, Neighbour moves it.',
      unit: 'ops',
      series: { '{{blame}}': `sum by (blame) (${rate('orquanta_out_of_memory_total')})` },
    },
  ],
};

const cards: Row = {
  title: 'Cards',
  panels: [
    {
      title: 'Cards, by product and state',
      description: 'Allocated or free. A card that is shared counts by its parts.',
      unit: 'short',
      series: { '{{product}} {{state}}': newest('orquanta_cards', 'product, state') },
    },
    {
      title: 'Fragmentation',
      description: 'Share of the free cards that lie on nodes with other cards in use: 0 none, 1 all.',
      unit: 'percentunit',
      series: { fragmentation: `max(orquanta_fragmentation_ratio{${own}})` },
    },
    {
      title: 'GPU nodes, by what holds their cards',
      description:
        'Device plugin, DRA, or both on the way from one to the other; Shares: those with cards that can be divided.',
      unit: 'short',
      series: { '{{allocation}}': newest('orquanta_gpu_nodes', 'allocation') },
    },
  ],
};

const policies: Row = {
  title: 'Policies',
  panels: [
    {
      title: 'Versions made, by policy and cause',
      description: 'What was learned, rolled back, reset or has decayed, each second.',
      unit: 'ops',
      series: { '{{policy}} {{cause}}': `sum by (policy, cause) (${rate('orquanta_policy_mutations_total')})` },
    },
    {
      title: 'Workloads that teach nothing',
      description: 'Open breakers: workloads that run out of memory again and again.',
      unit: 'short',
      series: { '{{policy}}': newest('orquanta_policy_open_breakers', 'policy') },
    },
    {
      title: 'Ledgers that wait for a person',
      description:
        "Broken, 1 while the chain of versions is: the baseline holds. Name taken, 1 while somebody else's object has the name of the next version: what is in force holds. In both cases nothing is learned.",
      unit: 'short',
      series: {
        '{{policy}} broken': newest('orquanta_policy_chain_broken', 'policy'),
        '{{policy}} name taken': newest('orquanta_policy_name_taken', 'policy'),
      },
    },
    {
      title: 'Spent this month',
      description: "What the runs of the calendar month (UTC) cost so far, in the policy's currency.",
      unit: 'short',
      series: {
        '{{policy}} {{exported_namespace}} {{currency}}': newest(
          'orquanta_spent_this_month',
          'policy, exported_namespace, currency',
        ),
      },
    },
    {
      title: 'Budget alert reached',
      description: 'Highest alert percentage reached of the budget, or of the share of a namespace.',
      unit: 'percent',
      series: {
        '{{policy}} {{exported_namespace}}': newest('orquanta_budget_alert_percent', 'policy, exported_namespace'),
      },
    },
  ],
};

const heat: Row = {
  title: 'Heat',
  panels: [
    {
      title: 'Observations',
      description: 'Each second, by observation point and whether heat was found.',
      unit: 'ops',
      series: { '{{obs_point}} {{heat_found}}': `sum by (obs_point, heat_found) (${rate('p28_observed_total')})` },
    },
    {
      title: 'Coverage',
      description: 'Of the last 1000 late observations, how many found heat, in permille.',
      unit: 'short',
      series: { '{{observer}}': newest('orquanta_heat_coverage_permille', 'observer') },
    },
    {
      title: 'Plans under way',
      description: 'Unread in the stream, read and not acknowledged, and awaited.',
      unit: 'short',
      series: {
        '{{observer}} unread': newest('orquanta_heat_lag', 'observer'),
        '{{observer}} not acknowledged': newest('orquanta_heat_pending', 'observer'),
        '{{observer}} awaited': newest('orquanta_heat_in_flight', 'observer'),
      },
    },
    {
      title: 'Trouble',
      description: 'Commands that failed, plans skipped, plans put aside, each second.',
      unit: 'ops',
      series: {
        'Redis errors': `sum(${rate('orquanta_heat_redis_errors_total')})`,
        skipped: `sum(${rate('orquanta_heat_skipped_total')})`,
        'dead letters': `sum(${rate('orquanta_heat_dead_letters_total')})`,
      },
    },
  ],
};

const operator: Row = {
  title: 'The operator',
  panels: [
    {
      title: 'Reconciles, by controller and result',
      description: 'How often the operator looked at an object, each second.',
      unit: 'ops',
      series: {
        '{{controller}} {{result}}': `sum by (controller, result) (${rate('controller_runtime_reconcile_total')})`,
      },
    },
    {
      title: 'Work queues',
      description: 'Objects that are ready to be looked at.',
      unit: 'short',
      series: { '{{name}}': newest('workqueue_depth', 'name') },
    },
    {
      title: 'How long it takes',
      description: 'Ninety-nine in a hundred are done sooner: a reconcile, and one pass over the queue of jobs.',
      unit: 's',
      series: {
        '{{controller}}': quantile(0.99, 'controller_runtime_reconcile_time_seconds', 'controller, le'),
        'pass over the queue': quantile(0.99, 'orquanta_planning_pass_seconds'),
      },
    },
    {
      title: 'Requests to the API server, by status',
      description: 'Each second. 429 is throttling, 403 a missing right.',
      unit: 'reqps',
      series: { '{{code}}': `sum by (code) (${rate('rest_client_requests_total')})` },
    },
    {
      title: 'Memory',
      description: 'Resident memory of each operator.',
      unit: 'bytes',
      series: { '{{instance}}': `process_resident_memory_bytes{${own}}` },
    },
    {
      title: 'CPU',
      description: 'Cores that each operator uses.',
      unit: 'short',
      series: { '{{instance}}': rate('process_cpu_seconds_total') },
    },
  ],
};

export const rows: readonly Row[] = [now, jobs, cards, policies, heat, operator];
