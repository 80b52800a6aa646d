// What the in-memory API server serves, and how each kind differs from the others on a real one.
import { isDeepStrictEqual } from 'node:util';
import type { ControllerRevision, KubernetesObject, Pod } from '../kubernetes.ts';
import {
  configMaps,
  controllerRevisions,
  events,
  jobs,
  leases,
  nodes,
  pods,
  priorityClasses,
  services,
} from '../resource.ts';
import type { Resource } from '../resource.ts';

export { configMaps };

export interface ServedResource {
  resource: Resource;
  /** Has a /status subresource, and with it a generation. */
  status: boolean;
  /** Fields beyond metadata.name and metadata.namespace that a field selector may name. */
  selectableFields?: readonly string[];
  /** Seconds for which a DELETE leaves the object in place with a deletionTimestamp. */
  gracePeriodSeconds?: (object: KubernetesObject) => number;
  /** A successful DELETE is answered with the object instead of a Status. */
  answersDeleteWithObject?: boolean;
  /** List items carry no kind and apiVersion: true of everything but custom resources. */
  builtIn?: boolean;
  /** The status a new object starts with; what a create brings is dropped. */
  initialStatus?: object;
  /** Says what is wrong with an object in the server's words (422; what only `strict` finds wrong is a 400). */
  validate?: Validate;
}

export type Validate = (
  object: KubernetesObject,
  options: { strict: boolean; previous?: KubernetesObject },
) => string | undefined;

const dataIsImmutable: Validate = (object, { previous }) => {
  const same =
    previous === undefined ||
    isDeepStrictEqual((object as ControllerRevision).data, (previous as ControllerRevision).data);
  return same ? undefined : 'data: Invalid value: field is immutable';
};

export const builtInResources: readonly ServedResource[] = [
  {
    resource: pods,
    status: true,
    selectableFields: ['spec.nodeName', 'status.phase'],
    gracePeriodSeconds: (object: KubernetesObject) => ((object as Pod).spec?.nodeName ? 30 : 0),
    answersDeleteWithObject: true,
    initialStatus: { phase: 'Pending' },
  },
  { resource: nodes, status: true, selectableFields: ['spec.unschedulable'], initialStatus: {} },
  { resource: services, status: true, answersDeleteWithObject: true, initialStatus: { loadBalancer: {} } },
  { resource: jobs, status: true, selectableFields: ['status.successful'], initialStatus: {} },
  { resource: configMaps, status: false },
  {
    resource: controllerRevisions,
    status: false,
    validate: dataIsImmutable,
  },
  { resource: leases, status: false },
  { resource: events, status: false, selectableFields: ['reason', 'type'] },
  { resource: priorityClasses, status: false },
].map((served) => ({ ...served, builtIn: true }));
