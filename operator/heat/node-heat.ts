// How hot nodes are, by what an observer found for the placements there: the newest counts most, and all of it fades, so that a
// node is judged by the last minutes and forgiven after that. It keeps no plan and asks nobody.
import { Fading } from '../policy/fading.ts';

const halfLifeMilliseconds = 600_000;
/** Of scores: nothing is known. */
const neutral = 500;

export class NodeHeat {
  readonly #heat = new Fading(halfLifeMilliseconds);
  readonly #weight = new Fading(halfLifeMilliseconds);

  /** `heat` from 0 to 1000. */
  note(nodes: readonly string[], heat: number, atMilliseconds: number): void {
    for (const node of nodes) {
      this.#heat.add(node, heat, atMilliseconds);
      this.#weight.add(node, 1, atMilliseconds);
    }
  }

  /** 0 for the hottest, 1000 for the coolest; what is long ago comes near to what nobody knows, and is left out in the end. */
  scores(nowMilliseconds: number): ReadonlyMap<string, number> {
    const heat = new Map(this.#heat.values(nowMilliseconds));
    return new Map(
      this.#weight.values(nowMilliseconds).map(([node, weight]) => {
        const average = (heat.get(node) ?? 0) / weight;
        return [node, Math.round(neutral + (neutral - average) * Math.min(1, weight))];
      }),
    );
  }
}
