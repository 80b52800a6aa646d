// What an expression of Prometheus reads: each selector with its metric and labels, by Prometheus' own grammar. It knows no metric.
import { parser } from '@prometheus-io/lezer-promql';

export interface Selector {
  readonly metric: string;
  /** That are matched here. */
  readonly labels: readonly string[];
}

export interface Reading {
  readonly selectors: readonly Selector[];
  /** That results are grouped by. */
  readonly groupings: readonly string[];
  /** Where the text is no expression: from where on. */
  readonly error: string | undefined;
}

export function readExpression(expression: string): Reading {
  const selectors: { metric: string; labels: string[] }[] = [];
  const groupings: string[] = [];
  let error: string | undefined;
  const tree = parser.parse(expression);
  tree.iterate({
    enter({ name, from, to, type, node }) {
      const text = expression.slice(from, to);
      if (type.isError) error ??= expression.slice(from) || 'its end';
      if (name === 'VectorSelector') selectors.push({ metric: '', labels: [] });
      const selector = selectors.at(-1);
      if (name === 'Identifier' && selector) selector.metric = text;
      if (name !== 'LabelName') return;
      if (node.parent?.name === 'GroupingLabels') groupings.push(text);
      else selector?.labels.push(text);
    },
  });
  return { selectors, groupings, error };
}
