// The five things that placement weighs, by the names that users write. Here, because the schema and placement share them.

export const weightNames = ['Fit', 'Packing', 'Cost', 'Reliability', 'Heat'] as const;
export type WeightName = (typeof weightNames)[number];
