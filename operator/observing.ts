// Everything a canary does (--observe-only): it decides beside the operator that manages, says where it would have decided
// otherwise, and writes nothing to the cluster. Wiring of the rooms; no rule of the product is written here.
import { once } from 'node:events';
import { Canary, type RunBegun } from './canary/canary.ts';
import { canaryMetrics } from './canary/metrics.ts';
import { inForceByStatus } from './canary/policies-in-force.ts';
import { note } from './journal/journal.ts';
import type { Parts } from './parts.ts';
import { sizesOf } from './policy/experience.ts';
import { Policies } from './policy/policies.ts';
import { RunHistory } from './policy/run-history.ts';
import type { GPUJob } from './resources/gpujob.ts';
import { keyOf } from './runtime/resource.ts';

/** Until it is told to stop. */
export async function observeOnly(parts: Parts, signal: AbortSignal): Promise<void> {
  const { clock, log, decisions, collections, policyCollections, reflectors, inventory, gpujobMetrics } = parts;
  const history = new RunHistory();
  const metrics = canaryMetrics(parts.registry);
  try {
    await Promise.all(reflectors.map((reflector) => reflector.catchUp(signal)));
    for (const object of collections.gpujobs.store.list()) history.follow({ type: 'added', key: '', object });
    const policies = new Policies({
      ...{ collections: policyCollections, history, clock },
      inForce: inForceByStatus,
      // Whether the budget has room is the manager's to find: a job that waits for it says so in its status.
      refusalOf: () => undefined,
      heatFor: () => new Map(),
      onChange: () => {
        canary.planSoon();
      },
    });
    const canary = new Canary({
      ...{ collections, inventory, clock, withScenes: decisions !== undefined },
      experience: sizesOf({ history, policies: policyCollections.policies.store }),
      policies: () => policies.forPlacement(),
      onPass: (report) => {
        gpujobMetrics.pass(report);
      },
      onFact: (gpujob, fact) => {
        if (decisions) note(gpujob, fact, { file: decisions, clock, policies: policyCollections.policies.store });
      },
      onRun: (gpujob, run) => {
        metrics.run(run.agreement);
        log.info(lineOf(gpujob, run), 'a run began');
      },
    });
    const unfollow = collections.gpujobs.store.subscribe((change) => {
      history.follow(change);
    });
    log.info({ gpujobs: collections.gpujobs.store.size, nodes: collections.nodes.store.size }, 'observing');
    canary.start();
    if (!signal.aborted) await once(signal, 'abort');
    canary.stop();
    policies.stop();
    unfollow();
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    await decisions?.flush();
  }
}

function lineOf({ metadata }: GPUJob, { run, agreement, own, done }: RunBegun): object {
  const nodesOf = ({ workers }: typeof done): string[] => workers.map(({ node }) => node);
  const would = own?.kind === 'Placed' ? { nodes: nodesOf(own.placement), product: own.placement.product } : own;
  return {
    gpujob: keyOf(metadata),
    run,
    agreement,
    nodes: nodesOf(done),
    product: done.product,
    ...(agreement === 'Same' ? {} : { would }),
  };
}
