// Figures of a test, for whoever reads its output. Nothing is judged here.
export function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

export const seconds = (milliseconds: number): string => `${(milliseconds / 1_000).toFixed(2)} s`;

export function secondsOfAll(milliseconds: readonly number[]): string {
  return `${milliseconds.map((one) => (one / 1_000).toFixed(2)).join(' ')}; longest ${seconds(Math.max(...milliseconds))}`;
}
