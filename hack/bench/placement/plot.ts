// The plot of make bench-placement: cards allocated over cards asked for, as an SVG of plain shapes that reads on light and
// on dark ground. Our default policy is a line for each list, what is published are marks.
import { published, reference } from './published.ts';
import { allocationsAt, mean, publishedAt } from './report.ts';
import { type ListName, listNames, mostPercent, type Result } from './run.ts';

interface Point {
  /** Asked for, in % of the cluster's cards. */
  readonly x: number;
  /** Allocated, in % of them. */
  readonly y: number;
}

interface Axis {
  readonly from: number;
  readonly to: number;
  readonly step: number;
}

/** A frame with axes; what lies outside its axes isn't drawn. */
interface Panel {
  readonly id: string;
  readonly title: string;
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
  readonly x: Axis;
  readonly y: Axis;
}

const width = 880;
const height = 700;

/** In the middle between black and white: readable on both. */
const grey = '#7d8590';
const referenceColour = '#d9730d';
const colours: Readonly<Record<ListName, string>> = { default: '#2f81f7', gpuspec10: '#2da44e' };

/** Around their point. */
const shapes: Readonly<Record<string, string>> = {
  Random: 'm-4 -4l8 8m0 -8l-8 8',
  DotProd: 'm-5 0h10m-5 -5v10',
  Clustering: 'm0 -5l5 5l-5 5l-5 -5z',
  Packing: 'm-4 -4h8v8h-8z',
  BestFit: 'm0 -5l5 9h-10z',
  FGD: 'm-4 0a4 4 0 1 0 8 0a4 4 0 1 0 -8 0z',
};

const overview: Panel = {
  id: 'overview',
  title: "Cards allocated over cards asked for, % of the cluster's",
  ...{ left: 60, top: 40, width: 800, height: 210 },
  x: { from: 0, to: 134, step: 10 },
  y: { from: 0, to: 100, step: 20 },
};

const closeUps: Readonly<Record<ListName, Panel>> = {
  default: { ...closeUp('default'), left: 60 },
  gpuspec10: { ...closeUp('gpuspec10'), left: 490 },
};

function closeUp(list: ListName): Omit<Panel, 'left'> {
  return {
    id: list,
    title: `List ${list}, close up`,
    ...{ top: 335, width: 370, height: 250 },
    x: { from: 90, to: 134, step: 10 },
    y: { from: 84, to: 98, step: 2 },
  };
}

/** Results of one policy. */
export function placementPlot(results: readonly Result[]): string {
  const curves = new Map(listNames.map((list) => [list, meanCurve(results.filter((result) => result.list === list))]));
  const played = listNames.filter((list) => (curves.get(list) ?? []).length > 0);
  const lines = played.map((list) => curveOf(overview, curves.get(list) ?? [], list));
  const upTo = Math.min(overview.y.to, mostPercent);
  const asked = polyline(
    overview,
    [
      { x: 0, y: 0 },
      { x: upTo, y: upTo },
    ],
    `stroke="${grey}" stroke-dasharray="4 4"`,
  );
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12" fill="${grey}">`,
    "<title>Cards allocated over cards asked for: OrQuanta's default policy and what is published</title>",
    panel(overview, [asked, ...lines, ...played.flatMap((list) => marksOf(overview, list, [reference.name]))]),
    ...played.map((list) => panel(closeUps[list], closeUpOf(closeUps[list], list, results, curves.get(list) ?? []))),
    ...legend(played),
    '</svg>',
    '',
  ].join('\n');
}

/** By the percent asked for. */
function meanCurve(results: readonly Result[]): Point[] {
  const [first] = results;
  return (first?.allocated ?? []).map((_, x) => ({ x, y: mean(results.map(({ allocated }) => allocated[x] ?? 0)) }));
}

function closeUpOf(at: Panel, list: ListName, results: readonly Result[], curve: readonly Point[]): string[] {
  const labels = ([100, mostPercent] as const).flatMap((x) => [
    label(at, { x, y: mean(allocationsAt(results, list, x)) }, { right: 0, down: -8, colour: colours[list] }),
    label(at, { x, y: publishedAt(reference.means[list], x) }, { right: -26, down: 4, colour: referenceColour }),
  ]);
  const names = published.map(({ name }) => name);
  return [curveOf(at, curve, list), ...marksOf(at, list, names), ...labels];
}

interface LabelStyle {
  /** Of its point, in pixels. */
  readonly right: number;
  readonly down: number;
  readonly colour: string;
}

function label(at: Panel, point: Point, { right, down, colour }: LabelStyle): string {
  if (!isInside(at, point)) return '';
  return text(point.y.toFixed(2), {
    x: toX(at, point.x) + right,
    y: toY(at, point.y) + down,
    anchor: 'middle',
    colour,
  });
}

function marksOf(at: Panel, list: ListName, names: readonly string[]): string[] {
  return published
    .filter(({ name }) => names.includes(name))
    .flatMap(({ name, means }) =>
      ([100, mostPercent] as const)
        .map((x): Point => ({ x, y: publishedAt(means[list], x) }))
        .filter((point) => isInside(at, point))
        .map(({ x, y }) => mark(name, toX(at, x), toY(at, y))),
    );
}

function mark(name: string, x: number, y: number): string {
  const stroke = name === reference.name ? referenceColour : grey;
  return `<path class="mark" d="M${place(x)} ${place(y)}${shapes[name] ?? ''}" fill="none" stroke="${stroke}" stroke-width="1.6"/>`;
}

function curveOf(at: Panel, curve: readonly Point[], list: ListName): string {
  return polyline(at, curve, `stroke="${colours[list]}" stroke-width="2"`);
}

function polyline(at: Panel, points: readonly Point[], style: string): string {
  const inside = points.filter((point) => isInside(at, point));
  const places = inside.map(({ x, y }) => `${place(toX(at, x))},${place(toY(at, y))}`);
  return `<polyline points="${places.join(' ')}" fill="none" ${style}/>`;
}

function panel(at: Panel, content: readonly string[]): string {
  const { id, title, left, top, width: wide, height: high, x, y } = at;
  const bottom = top + high;
  const faint = `stroke="${grey}" stroke-opacity="0.3"`;
  return [
    `<g id="${id}">`,
    text(title, { x: left, y: top - 12, anchor: 'start', size: 13 }),
    `<rect x="${left}" y="${top}" width="${wide}" height="${high}" fill="none" stroke="${grey}"/>`,
    ...ticks(y).flatMap((value) => [
      `<path d="M${left} ${place(toY(at, value))}h${wide}" ${faint}/>`,
      text(String(value), { x: left - 6, y: toY(at, value) + 4, anchor: 'end' }),
    ]),
    ...ticks(x).flatMap((value) => [
      `<path d="M${place(toX(at, value))} ${top}v${high}" ${faint}/>`,
      text(String(value), { x: toX(at, value), y: bottom + 16, anchor: 'middle' }),
    ]),
    text('asked for, %', { x: left + wide, y: bottom + 32, anchor: 'end' }),
    `<text transform="translate(${left - 38} ${top + high / 2}) rotate(-90)" text-anchor="middle">allocated, %</text>`,
    ...content.filter((element) => element !== ''),
    '</g>',
  ].join('\n');
}

function legend(played: readonly ListName[]): string[] {
  const lines = [
    ...played.map((list) => ({ name: `OrQuanta, list ${list}`, style: `stroke="${colours[list]}" stroke-width="2"` })),
    { name: 'all that is asked for', style: `stroke="${grey}" stroke-dasharray="4 4"` },
  ];
  const [lineTop, markTop] = [height - 52, height - 24];
  return [
    ...lines.flatMap(({ name, style }, index) => [
      `<path d="M${60 + index * 220} ${lineTop}h24" fill="none" ${style}/>`,
      text(name, { x: 60 + index * 220 + 32, y: lineTop + 4, anchor: 'start' }),
    ]),
    text('Published:', { x: 60, y: markTop + 4, anchor: 'start' }),
    ...published.flatMap(({ name }, index) => [
      mark(name, 150 + index * 115, markTop),
      text(name, { x: 150 + index * 115 + 12, y: markTop + 4, anchor: 'start' }),
    ]),
  ];
}

interface TextPlace {
  readonly x: number;
  readonly y: number;
  readonly anchor: 'start' | 'middle' | 'end';
  readonly size?: number;
  readonly colour?: string;
}

function text(words: string, { x, y, anchor, size, colour }: TextPlace): string {
  const style = (size === undefined ? '' : ` font-size="${size}"`) + (colour === undefined ? '' : ` fill="${colour}"`);
  return `<text x="${place(x)}" y="${place(y)}" text-anchor="${anchor}"${style}>${words}</text>`;
}

function ticks({ from, to, step }: Axis): number[] {
  return Array.from({ length: Math.floor((to - from) / step) + 1 }, (_, index) => from + index * step);
}

function isInside({ x, y }: Panel, point: Point): boolean {
  return point.x >= x.from && point.x <= x.to && point.y >= y.from && point.y <= y.to;
}

function toX({ left, width: wide, x }: Panel, value: number): number {
  return left + (wide * (value - x.from)) / (x.to - x.from);
}

function toY({ top, height: high, y }: Panel, value: number): number {
  return top + (high * (y.to - value)) / (y.to - y.from);
}

/** A tenth of a pixel is enough. */
function place(value: number): string {
  return String(Math.round(value * 10) / 10);
}
