// GPUJobs as plain objects, as a user's YAML is: the smallest good one, and that one with something changed.

export type PlainObject = Record<string, unknown>;

export const container = { name: 'main', image: 'registry.example/train:1' };

export const job = (spec: PlainObject, metadata: PlainObject = { name: 'train' }): PlainObject => ({
  apiVersion: 'orquanta.io/v1alpha1',
  kind: 'GPUJob',
  metadata,
  spec: { requiredVRAM: '16Gi', template: { spec: { containers: [container] } }, ...spec },
});
export const named = (name: string) => job({}, { name });
export const withPod = (pod: PlainObject, spec: PlainObject = {}) =>
  job({ ...spec, template: { spec: { containers: [container], ...pod } } });
export const withContainer = (fields: PlainObject) => withPod({ containers: [{ ...container, ...fields }] });
export const withInitContainer = (fields: PlainObject) =>
  withPod({ initContainers: [{ name: 'fetch', image: 'registry.example/fetch:1', ...fields }] });
export const withLimits = (limits: PlainObject) => withContainer({ resources: { limits } });
export const withTemplateMetadata = (metadata: PlainObject) =>
  job({ template: { metadata, spec: { containers: [container] } } });
export const without = (field: string): PlainObject => {
  const { [field]: _, ...spec } = job({})['spec'] as PlainObject;
  return { ...job({}), spec };
};
/** What runs a model of the catalogue. */
export const modelled = (): PlainObject => {
  const bare = without('requiredVRAM');
  return { ...bare, spec: { ...(bare['spec'] as PlainObject), model: 'meta/llama-3.1-8b:instruct' } };
};
