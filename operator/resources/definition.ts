// What the generators need to know of a kind beside its schema. A kind is described once, here in resources, and its CRD,
// JSON Schema and printed columns follow from it.
import type { z } from 'zod';

/** How a kind is addressed on the API server. */
export interface ResourceDescriptor {
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly kind: string;
  readonly namespaced: boolean;
}

export interface PrinterColumn {
  readonly name: string;
  readonly type: 'string' | 'integer' | 'boolean' | 'date';
  readonly jsonPath: string;
  readonly description: string;
  /** Shown with `-o wide` only. */
  readonly wide?: boolean;
}

export interface ResourceDefinition {
  readonly resource: ResourceDescriptor;
  readonly singular: string;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  /** What `kubectl explain` says of the kind. */
  readonly description: string;
  /** The whole object: apiVersion, kind, metadata, spec, status. */
  readonly schema: z.ZodType;
  readonly printerColumns: readonly PrinterColumn[];
  /** JSON paths that `--field-selector` takes. */
  readonly selectableFields: readonly string[];
}

/** Metadata of an object that came from the API server, where these are always there. */
export interface StoredMetadata {
  name: string;
  uid: string;
  resourceVersion: string;
  generation?: number;
  generateName?: string;
  creationTimestamp?: string;
  deletionTimestamp?: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  finalizers?: string[];
  ownerReferences?: OwnerReference[];
}

export interface OwnerReference {
  apiVersion: string;
  kind: string;
  name: string;
  uid: string;
  controller?: boolean;
  blockOwnerDeletion?: boolean;
}
