// Quantities as users write them in YAML, text or bare number, brought to one comparable amount for the rules.
import { QuantityError, readQuantity } from './quantity.ts';

/** Billionths of a byte, or undefined for what is no quantity. */
export function nanosOf(value: string | number): bigint | undefined {
  const quantity = readQuantity(String(value));
  return quantity instanceof QuantityError ? undefined : quantity.nanos;
}

/** Below, equal, above; undefined when one of the two is no quantity: another rule says so. */
export function compareQuantities(a: string | number, b: string | number): -1 | 0 | 1 | undefined {
  const [first, second] = [nanosOf(a), nanosOf(b)];
  if (first === undefined || second === undefined) return undefined;
  if (first === second) return 0;
  return first < second ? -1 : 1;
}
