// What the operator's main thread and the thread of the observers say to each other: plain data.
import type { RedisEndpoint } from '../../resources/heatobserver.ts';
import type { Figures } from '../figures.ts';
import type { ObserverSettings } from '../observation.ts';
import type { OwnPlan } from '../plan-streams.ts';
import type { GoldenResult } from '../golden.ts';
import type { HostPolicy } from '../redis/address.ts';
import type { RedisErrorKind } from '../redis/errors.ts';

export interface RedisAccess {
  readonly endpoint: RedisEndpoint;
  readonly username: string | undefined;
  readonly password: string | undefined;
  /** PEM. */
  readonly ca: string | undefined;
  readonly serverName: string | undefined;
}

/** Everything an observer needs to know. */
export interface Order {
  readonly namespace: string;
  readonly settings: ObserverSettings;
  readonly decisionsStream: string;
  readonly golden: 'Require' | 'Warn' | 'Skip';
  readonly redis: RedisAccess;
  readonly hosts: HostPolicy;
  /** Nothing of it was ever observed: it begins with what comes from now on. */
  readonly isNew: boolean;
}

export type ToThread =
  | { readonly kind: 'Observe'; readonly key: string; readonly order: Order }
  | { readonly kind: 'Stop'; readonly key: string }
  | { readonly kind: 'Verify'; readonly key: string; readonly token: string }
  | { readonly kind: 'Publish'; readonly key: string; readonly plan: OwnPlan };

export type FromThread =
  | { readonly kind: 'Heat'; readonly key: string; readonly planID: string; readonly heat: number }
  | { readonly kind: 'Reading'; readonly key: string; readonly hints: boolean }
  | { readonly kind: 'Failing'; readonly key: string; readonly error: RedisErrorKind; readonly message: string }
  | { readonly kind: 'Golden'; readonly key: string; readonly result: GoldenResult; readonly token: string | undefined }
  | {
      readonly kind: 'Figures';
      readonly key: string;
      readonly figures: Figures;
      readonly skippedPlans: readonly string[];
    };
