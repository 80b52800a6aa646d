// What a HeatObserver means where its spec says nothing. Applied in code on reading, never written to the object. The operator's
// settings stand in for the shipped values; what the object says wins over both.
import { type Streams, streamsOf, waitCoversPoll } from './rules.ts';
import { shipped, shippedLate, shippedStreams } from './shipped.ts';
import type { GoldenMode, HeatObserverSpec } from './spec.ts';

interface SecretKey {
  readonly name: string;
  readonly key: string;
}

interface Late {
  readonly enabled: boolean;
  readonly pollMilliseconds: number;
  /** 0: one look. */
  readonly maxWaitMilliseconds: number;
  readonly maxWorkers: number;
  readonly maxInFlight: number;
}

/** What an operator says for all its observers. */
export interface OperatorHeatDefaults {
  readonly plansStream: string;
  readonly late: Late;
}

/** A spec in which every field that has a default is there. */
export interface DefaultedHeatSpec {
  readonly redis: {
    readonly url: string;
    /** Absent: Redis' default user. */
    readonly username: string | undefined;
    /** Absent: no password is sent. */
    readonly passwordSecretRef: SecretKey | undefined;
    readonly tls: {
      /** Absent: the authorities that this process trusts. */
      readonly caSecretRef: SecretKey | undefined;
      /** Absent: the host of the URL. */
      readonly serverName: string | undefined;
    };
  };
  /** Of every key of heat, whoever looks for it and when (requirement H1). */
  readonly lookupPrefix: string;
  readonly streams: Streams;
  readonly late: Late;
  readonly maxRedisErrors: number;
  readonly golden: GoldenMode;
  readonly suspend: boolean;
  readonly deduplicationSeconds: number;
  readonly maxObservedEntries: number;
}

export const shippedHeatDefaults: OperatorHeatDefaults = { plansStream: shippedStreams.plans, late: shippedLate };

export function heatDefaults(
  spec: HeatObserverSpec,
  operator: OperatorHeatDefaults = shippedHeatDefaults,
): DefaultedHeatSpec {
  return {
    redis: redisDefaults(spec.redis),
    lookupPrefix: spec.lookupPrefix,
    streams: streamsOf(spec.streams, operator.plansStream),
    late: lateDefaults(spec.late, operator.late),
    maxRedisErrors: spec.maxRedisErrors ?? shipped.maxRedisErrors,
    golden: spec.golden ?? shipped.golden,
    suspend: spec.suspend ?? false,
    deduplicationSeconds: spec.deduplicationSeconds ?? shipped.deduplicationSeconds,
    maxObservedEntries: spec.maxObservedEntries ?? shipped.maxObservedEntries,
  };
}

function redisDefaults({
  url,
  username,
  passwordSecretRef,
  tls,
}: HeatObserverSpec['redis']): DefaultedHeatSpec['redis'] {
  return {
    url,
    username,
    passwordSecretRef: secretKey(passwordSecretRef, shipped.passwordKey),
    tls: { caSecretRef: secretKey(tls?.caSecretRef, shipped.caKey), serverName: tls?.serverName },
  };
}

function secretKey(
  reference: { name: string; key?: string | undefined } | undefined,
  keyByDefault: string,
): SecretKey | undefined {
  return reference && { name: reference.name, key: reference.key ?? keyByDefault };
}

function lateDefaults(late: HeatObserverSpec['late'] = {}, operator: Late): Late {
  return {
    enabled: late.enabled ?? operator.enabled,
    ...times(late, operator),
    maxWorkers: late.maxWorkers ?? operator.maxWorkers,
    maxInFlight: late.maxInFlight ?? operator.maxInFlight,
  };
}

/** The object may have one of the two and the operator the other: what the operator says then gives way. */
function times(
  late: NonNullable<HeatObserverSpec['late']>,
  operator: Late,
): Pick<Late, 'pollMilliseconds' | 'maxWaitMilliseconds'> {
  const pollMilliseconds = late.pollMilliseconds ?? operator.pollMilliseconds;
  const maxWaitMilliseconds = late.maxWaitMilliseconds ?? operator.maxWaitMilliseconds;
  if (waitCoversPoll(maxWaitMilliseconds, pollMilliseconds)) return { pollMilliseconds, maxWaitMilliseconds };
  const given = late.maxWaitMilliseconds ?? pollMilliseconds;
  return { pollMilliseconds: given, maxWaitMilliseconds: given };
}
