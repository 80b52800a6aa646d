// The two writes of an observer, each one script: what is observed, that it was, and the acknowledgement are one step, so that
// a crash anywhere leaves each observation exactly once in the output. In both a plan's reads come before its first write, and
// its XADD before anything that Redis would still take when its memory is full: what fails has changed nothing.
import { createHash } from 'node:crypto';
import { observationPoints, type ObserverSettings } from './observation.ts';

export interface Script {
  readonly text: string;
  readonly sha: string;
}

function script(text: string): Script {
  return { text, sha: createHash('sha1').update(text).digest('hex') };
}

/** What `begin` says of a plan. */
export const begun = { missing: 0, found: 1, again: 2, duplicate: 3 } as const;
/** What `look` says of a plan. */
export const looked = { notYet: 0, found: 1, ended: 2, gone: 3 } as const;

/** How the early look is to be made. */
export const earlyLook = { look: '0', redisError: '1', parseError: '2' } as const;
/** How a late look is to be made: it may go on, it is the last one, or none can be made any more. */
export const lateLook = { look: '0', last: '1', redisError: '2' } as const;

const milliseconds = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
`;

/**
 * KEYS plans, observed, open, seen, seen before. ARGV group, maximal length, seconds to remember; then for each plan: entry,
 * plan id, symbol, key, whether it is awaited, how to look.
 */
export const beginScript = script(`${milliseconds}
local answers = {}
for i = 4, #ARGV, 6 do
  local entry, plan, symbol, key = ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3]
  local holder = redis.call('HGET', KEYS[3], plan)
  if holder == entry then
    answers[#answers + 1] = ${begun.again}
  elseif holder or redis.call('SISMEMBER', KEYS[4], plan) == 1 or redis.call('SISMEMBER', KEYS[5], plan) == 1 then
    redis.call('XACK', KEYS[1], ARGV[1], entry)
    answers[#answers + 1] = ${begun.duplicate}
  else
    local found, reason = 0, 'missing'
    if ARGV[i + 5] == '${earlyLook.look}' then
      found = redis.call('EXISTS', key)
      if found == 1 then reason = 'ok' end
    elseif ARGV[i + 5] == '${earlyLook.redisError}' then
      reason = 'redis_error'
    else
      reason = 'parse_error'
    end
    redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[2], '*', 'plan_id', plan, 'symbol', symbol, 'obs_point', '${observationPoints.early}',
      'heat_found', found, 'heat_reason', reason, 'waited_ms', 0, 'ts', now)
    redis.call('SADD', KEYS[4], plan)
    if ARGV[i + 4] == '1' then
      redis.call('HSET', KEYS[3], plan, entry)
    else
      redis.call('XACK', KEYS[1], ARGV[1], entry)
    end
    answers[#answers + 1] = found
  end
end
redis.call('EXPIRE', KEYS[4], ARGV[3])
return answers
`);

/**
 * KEYS plans, observed, open. ARGV group, maximal length, poll and longest wait in milliseconds; then for each plan: entry,
 * plan id, symbol, key, when it was published, how to look. waited_ms is what somebody who looks every poll would say;
 * waited_exact_ms is the time of this look.
 */
export const lookScript = script(`${milliseconds}
local poll, most = tonumber(ARGV[3]), tonumber(ARGV[4])
local answers = {}
for i = 5, #ARGV, 6 do
  local entry, plan, symbol, key, look = ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3], ARGV[i + 5]
  if redis.call('HGET', KEYS[3], plan) ~= entry then
    redis.call('XACK', KEYS[1], ARGV[1], entry)
    answers[#answers + 1] = ${looked.gone}
  else
    local found = 0
    if look ~= '${lateLook.redisError}' then found = redis.call('EXISTS', key) end
    if found == 0 and look == '${lateLook.look}' then
      answers[#answers + 1] = ${looked.notYet}
    else
      local exact = math.max(0, now - tonumber(ARGV[i + 4]))
      local waited, reason = math.ceil(exact / poll) * poll, 'ok'
      if look == '${lateLook.redisError}' then
        reason = 'redis_error'
      elseif found == 0 then
        reason = 'timeout'
        waited = math.max(most, exact)
      end
      redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[2], '*', 'plan_id', plan, 'symbol', symbol, 'obs_point', '${observationPoints.late}',
        'heat_found', found, 'heat_reason', reason, 'waited_ms', waited, 'ts', now, 'waited_exact_ms', exact)
      redis.call('XACK', KEYS[1], ARGV[1], entry)
      redis.call('HDEL', KEYS[3], plan)
      answers[#answers + 1] = found == 1 and ${looked.found} or ${looked.ended}
    end
  end
end
return answers
`);

/** The consumer group of an observer; its keys begin with it. */
export function groupOf({ name }: Pick<ObserverSettings, 'name'>): string {
  return `orquanta:${name}`;
}

/** The plans that are awaited: plan id to entry. */
export function openKey(settings: Pick<ObserverSettings, 'name'>): string {
  return `${groupOf(settings)}:open`;
}

/** The plan ids of a span of time, and those of the span before it: together they reach back at least one span. */
export function seenKeys(settings: Pick<ObserverSettings, 'name' | 'deduplicationSeconds'>, epochSeconds: number) {
  const span = Math.floor(epochSeconds / settings.deduplicationSeconds);
  const key = (number: number): string => `${groupOf(settings)}:seen:${number}`;
  return { now: key(span), before: key(span - 1) };
}

/** KEYS plans, dead letters. ARGV group, entry, why; then its fields and values. */
export const buryScript = script(`
local fields = {}
for i = 4, #ARGV do fields[#fields + 1] = ARGV[i] end
redis.call('XADD', KEYS[2], '*', 'entry', ARGV[2], 'why', ARGV[3], unpack(fields))
return redis.call('XACK', KEYS[1], ARGV[1], ARGV[2])
`);
