// The plot of make bench-placement: well-formed, and all of it where it belongs.
import { describe, expect, it } from 'vitest';
import { placementPlot } from './plot.ts';
import { listNames, mostPercent, type Result } from './run.ts';

const resultOf = (own: Partial<Result>, most: number): Result => ({
  list: 'default',
  policy: 'default',
  seed: 42,
  seconds: 10,
  allocated: Array.from({ length: mostPercent + 1 }, (_, percent) => Math.min(percent, most)),
  ...own,
});

const results = listNames.flatMap((list) => [42, 43].map((seed) => resultOf({ list, seed }, 96 + (seed - 42) / 5)));

/** Throws where a tag isn't closed, or another is closed; returns the elements' names. */
function elementsOf(xml: string): string[] {
  const names: string[] = [];
  const open: string[] = [];
  for (const [tag, closing, name, attributes, selfClosing] of xml.matchAll(/<(\/?)([a-z]+)((?: [^<>]*?)?)(\/?)>/g)) {
    if (name === undefined) throw new Error(tag);
    if (closing === '/') {
      if (open.pop() !== name) throw new Error(`${tag} closes another element`);
      continue;
    }
    if (!/^(?: [a-zA-Z0-9:-]+="[^"<&]*")*$/.test(attributes ?? '')) throw new Error(`${tag}: attributes`);
    names.push(name);
    if (selfClosing !== '/') open.push(name);
  }
  if (open.length > 0) throw new Error(`left open: ${open.join(' ')}`);
  if (/[<>&]/.test(xml.replace(/<[^<>]*>/g, ''))) throw new Error('text with a sign of XML');
  return names;
}

interface Frame {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

const isInside = ({ left, top, right, bottom }: Frame, [x, y]: readonly number[]): boolean =>
  x !== undefined && y !== undefined && x >= left && x <= right && y >= top && y <= bottom;

/** The frame of each panel and what is drawn in it. */
function panelsOf(svg: string): { id: string; frame: Frame; curves: number[][][]; marks: number[][] }[] {
  return [...svg.matchAll(/<g id="([a-z0-9]+)">([\s\S]*?)<\/g>/g)].map(([, id = '', content = '']) => {
    const rect = /<rect x="([\d.]+)" y="([\d.]+)" width="([\d.]+)" height="([\d.]+)"/.exec(content) ?? [];
    const [left = 0, top = 0, width = 0, height = 0] = rect.slice(1).map(Number);
    const curves = [...content.matchAll(/<polyline points="([^"]*)"/g)].map(([, points = '']) =>
      points.split(' ').map((point) => point.split(',').map(Number)),
    );
    const marks = [...content.matchAll(/class="mark" d="M([\d.]+) ([\d.]+)/g)].map(([, x, y]) => [
      Number(x),
      Number(y),
    ]);
    return { id, frame: { left, top, right: left + width, bottom: top + height }, curves, marks };
  });
}

describe('placementPlot', () => {
  const svg = placementPlot(results);

  it('is well-formed XML with one root', () => {
    expect(elementsOf(svg)[0]).toBe('svg');
    expect(svg.trimEnd().endsWith('</svg>')).toBe(true);
    expect(svg).not.toMatch(/NaN|undefined|Infinity/);
  });

  it('has all points and marks inside their frames, and the frames inside the picture', () => {
    const [, width, height] = /viewBox="0 0 (\d+) (\d+)"/.exec(svg)?.map(Number) ?? [];
    const picture = { left: 0, top: 0, right: width ?? 0, bottom: height ?? 0 };
    const panels = panelsOf(svg);
    expect(panels.map(({ id }) => id)).toEqual(['overview', 'default', 'gpuspec10']);
    for (const { frame, curves, marks } of panels) {
      expect(isInside(picture, [frame.left, frame.top]) && isInside(picture, [frame.right, frame.bottom])).toBe(true);
      expect([...curves.flat(), ...marks].filter((point) => !isInside(frame, point))).toEqual([]);
    }
  });

  it('has a curve of every percent for each list, and each published figure as a mark in its close-up', () => {
    const [overview, ...closeUps] = panelsOf(svg);
    expect(overview?.curves.filter((curve) => curve.length === mostPercent + 1)).toHaveLength(2);
    for (const { curves, marks } of closeUps) {
      expect(curves).toHaveLength(1);
      expect(marks).toHaveLength(12);
    }
  });

  it('says the mean of the seeds where the load is 100 % and 130 %', () => {
    expect(svg.match(/>96\.10</g)).toHaveLength(4);
    expect(svg.match(/>95\.39</g)).toHaveLength(1);
  });

  it('stays within its frames with a policy that places next to nothing, and with one list', () => {
    const poor = placementPlot([resultOf({}, 3)]);
    expect(() => elementsOf(poor)).not.toThrow();
    const panels = panelsOf(poor);
    expect(panels.map(({ id }) => id)).toEqual(['overview', 'default']);
  });
});
