// What status and the world are told of a run from its first moment on; for one made just before a crash too.
import { isDeepStrictEqual } from 'node:util';
import { shareMebibytes } from '../../placement/allocation/share.ts';
import type { Placement } from '../../placement/model.ts';
import type { Scene } from '../../placement/scene/scene.ts';
import type { Fact } from '../effects.ts';
import { formatCapacity, formatMebibytes, parseMebibytes } from '../../resources/quantity.ts';
import type { Observation } from '../observation.ts';
import type { Standing } from './conditions.ts';
import type { OpenRun } from './run.ts';
import { asked, type Outcome, placementStatus } from './status.ts';

export function adopted(o: Observation, run: OpenRun): NonNullable<Outcome['change']> {
  const { placement } = run;
  return {
    run: run.number,
    ...asked(o),
    completionTime: undefined,
    failures: o.gpujob.status?.failures ?? { application: 0, outOfMemory: 0, disruption: 0 },
    queue: undefined,
    ...(placement ? { placement: placementStatus(placement) } : {}),
  };
}

export function runStarted(o: Observation, run: OpenRun, standing: Standing): Fact[] {
  if (o.gpujob.status?.run === run.number || !run.placement) return [];
  const since = o.gpujob.status?.queue?.since ?? o.gpujob.metadata.creationTimestamp;
  const waitedMilliseconds = since === undefined ? 0 : Math.max(0, o.nowMilliseconds - Date.parse(since));
  const { number, placement } = run;
  const scene = sceneOf(o, placement);
  return [{ kind: 'RunStarted', run: number, placement, waitedMilliseconds, message: standing.message, scene }];
}

/** A Job that a former leader made may stand where this process would not have put it. */
function sceneOf({ verdict }: Observation, { workers }: Placement): Scene | undefined {
  if (verdict?.kind !== 'Placed') return undefined;
  return isDeepStrictEqual(verdict.placement.workers, workers) ? verdict.scene : undefined;
}

export function placedMessage(o: Observation, run: OpenRun): string {
  const { placement } = run;
  if (!placement) return `run ${run.number}`;
  const [first, ...others] = placement.workers.map((worker) => worker.node);
  const where = others.length > 0 ? `${first ?? ''} and ${others.length} more` : (first ?? '');
  const cards = o.spec.workers > 1 ? `${o.spec.workers} workers with ${o.spec.gpus} each` : String(o.spec.gpus);
  const cardWords = `${cards} x ${shareWords(placement)}${placement.product} (${formatCapacity(placement.cardVRAMMebibytes)})`;
  return `run ${run.number} on ${where}: ${cardWords}${fenceWords(placement)}${learnedSize(o, run)}`;
}

/** Of a card that others may share by VRAM. */
function shareWords(placement: Placement): string {
  const mebibytes = shareMebibytes(placement);
  return mebibytes === undefined ? '' : `${formatMebibytes(mebibytes)} of `;
}

function fenceWords({ isUnfenced }: Placement): string {
  return isUnfenced === true ? '; shared without a fence: whoever else is on the card can use up its memory' : '';
}

/**
 * A first run asks for more than its spec only where the same workload needed it before. What a model needs is not the spec's
 * word: the catalogue may say less of it since the run began.
 */
function learnedSize(o: Observation, run: OpenRun): string {
  const asked = o.workload.vramMebibytes;
  if (o.gpujob.spec.requiredVRAM === undefined) return '';
  if (run.number > 1 || asked <= parseMebibytes(o.spec.requiredVRAM)) return '';
  return `; asks for ${formatMebibytes(asked)} and not ${o.spec.requiredVRAM}, because the same workload needed it before`;
}
