// The two writes of an observer, each one script for a batch of plans: what is observed, that it was, and the acknowledgement are one step, so that
// a crash anywhere leaves each observation exactly once in the output. In both all reads come before the first write, and the
// first write is an XADD: when its memory is full Redis refuses a script at its first write or not at all, so what fails has
// changed nothing.
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

/** Plans of one script: Redis does nothing else meanwhile, and Lua unpacks a few thousand values at most. */
export const maxBatch = 100;

/** Redis' time, as a number and as text: a number costs a printf in each command that it is given to. */
const milliseconds = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local stamp = string.format('%.0f', now)
`;

/**
 * A batch is asked about in one call: which entries are open, whose keys are there. EXISTS counts, so where some are and some
 * are not each half is asked about; those to be looked at alike stand together, and are mostly all there or all not.
 */
const eachFrom = (first: number): string => `
local call = redis.call
local entries, plans, keys = {}, {}, {}
local count = 0
for i = ${first}, #ARGV, 4 do
  count = count + 1
  entries[count], plans[count], keys[count] = ARGV[i], ARGV[i + 1], ARGV[3] .. ARGV[i + 1]
end
local function symbol(n) return ARGV[4 * n + ${first - 2}] end
local function how(n) return ARGV[4 * n + ${first - 1}] end
local isOpen = call('SMISMEMBER', KEYS[3], unpack(entries))
local isThere = {}
local function ask(first, last)
  local there = call('EXISTS', unpack(keys, first, last))
  if there == 0 or there == last - first + 1 then
    for n = first, last do isThere[n] = there > 0 end
  else
    local middle = math.floor((first + last) / 2)
    ask(first, middle)
    ask(middle + 1, last)
  end
end
local alike = 1
for n = 2, count + 1 do
  if n > count or how(n) ~= how(alike) then
    ask(alike, n - 1)
    alike = n
  end
end
`;

/**
 * KEYS plans, observed, open, seen, seen before. ARGV group, maximal length, prefix of keys, seconds to remember; then for each
 * plan: entry, plan id, symbol, how to look; before it a plus where the plan is awaited, a minus where no plan is any more.
 */
export const beginScript = script(`${milliseconds}${eachFrom(5)}
local seen, before = call('SMISMEMBER', KEYS[4], unpack(plans)), call('SMISMEMBER', KEYS[5], unpack(plans))
local answers, here, remembered, awaited, closed, ended = {}, {}, {}, {}, {}, {}
for n = 1, count do
  local entry, plan = entries[n], plans[n]
  if isOpen[n] == 1 then
    answers[n] = ${begun.again}
    if how(n):sub(1, 1) == '-' then
      ended[#ended + 1] = entry
      closed[#closed + 1] = entry
    end
  elseif seen[n] == 1 or before[n] == 1 or here[plan] then
    ended[#ended + 1] = entry
    answers[n] = ${begun.duplicate}
  else
    local isAwaited, look = how(n):sub(1, 1) == '+', how(n):sub(-1)
    local found, reason = '0', 'missing'
    if look == '${earlyLook.redisError}' then
      reason = 'redis_error'
    elseif look == '${earlyLook.parseError}' then
      reason = 'parse_error'
    elseif isThere[n] then
      found, reason = '1', 'ok'
    end
    call('XADD', KEYS[2], '*', 'plan_id', plan, 'symbol', symbol(n), 'obs_point', '${observationPoints.early}',
      'heat_found', found, 'heat_reason', reason, 'waited_ms', '0', 'ts', stamp,
      'waited_exact_ms', '0')
    here[plan] = true
    remembered[#remembered + 1] = plan
    if isAwaited then awaited[#awaited + 1] = entry else ended[#ended + 1] = entry end
    answers[n] = tonumber(found)
  end
end
if #remembered > 0 then
  call('XTRIM', KEYS[2], 'MAXLEN', '~', ARGV[2])
  call('SADD', KEYS[4], unpack(remembered))
  call('EXPIRE', KEYS[4], ARGV[4])
end
if #awaited > 0 then call('SADD', KEYS[3], unpack(awaited)) end
if #closed > 0 then call('SREM', KEYS[3], unpack(closed)) end
if #ended > 0 then call('XACK', KEYS[1], ARGV[1], unpack(ended)) end
return answers
`);

/**
 * KEYS plans, observed, open. ARGV group, maximal length, prefix of keys, poll and longest wait in milliseconds; then for each
 * plan: entry, plan id, symbol, how to look. An entry's id begins with when it was published. waited_ms is what somebody who
 * looks every poll would say; waited_exact_ms is the time of this look.
 */
export const lookScript = script(`${milliseconds}${eachFrom(6)}
local poll, most = tonumber(ARGV[4]), tonumber(ARGV[5])
local answers, closed, ended = {}, {}, {}
for n = 1, count do
  local entry, plan = entries[n], plans[n]
  if isOpen[n] == 0 then
    ended[#ended + 1] = entry
    answers[n] = ${looked.gone}
  else
    local isFound = how(n) ~= '${lateLook.redisError}' and isThere[n]
    if not isFound and how(n) == '${lateLook.look}' then
      answers[n] = ${looked.notYet}
    else
      local exact = math.max(0, now - tonumber(entry:match('^%d+')))
      local waited, reason = math.ceil(exact / poll) * poll, 'ok'
      if how(n) == '${lateLook.redisError}' then
        reason = 'redis_error'
      elseif not isFound then
        waited, reason = math.max(most, exact), 'timeout'
      end
      call('XADD', KEYS[2], '*', 'plan_id', plan, 'symbol', symbol(n), 'obs_point', '${observationPoints.late}',
        'heat_found', isFound and '1' or '0', 'heat_reason', reason, 'waited_ms', string.format('%.0f', waited), 'ts', stamp,
        'waited_exact_ms', string.format('%.0f', exact))
      ended[#ended + 1] = entry
      closed[#closed + 1] = entry
      answers[n] = isFound and ${looked.found} or ${looked.ended}
    end
  end
end
if #closed > 0 then
  call('XTRIM', KEYS[2], 'MAXLEN', '~', ARGV[2])
  call('SREM', KEYS[3], unpack(closed))
end
if #ended > 0 then call('XACK', KEYS[1], ARGV[1], unpack(ended)) end
return answers
`);

/**
 * Does what the others do, and leaves nothing: a server that refuses one of their commands would else do so in the middle, with
 * the observation written and not remembered. KEYS plans, observed, open, seen. ARGV group, maximal length, seconds to remember.
 */
export const rehearseScript = script(`
redis.call('SADD', KEYS[4], '')
redis.call('EXPIRE', KEYS[4], ARGV[3])
redis.call('SMISMEMBER', KEYS[4], '')
redis.call('SADD', KEYS[3], '')
redis.call('SREM', KEYS[3], '')
redis.call('XACK', KEYS[1], ARGV[1], '0-0')
return redis.call('XTRIM', KEYS[2], 'MAXLEN', '~', ARGV[2])
`);

/** The consumer group of an observer; its keys begin with it. */
export function groupOf({ name }: Pick<ObserverSettings, 'name'>): string {
  return `orquanta:${name}`;
}

/** The entries of the plans that are awaited: their early observation stands in the output, their late one doesn't yet. */
export function openKey(settings: Pick<ObserverSettings, 'name'>): string {
  return `${groupOf(settings)}:open`;
}

/** For so long a plan id is remembered, in seconds: also for as long as it is awaited. */
export function rememberedSeconds({ deduplicationSeconds, late }: ObserverSettings): number {
  return Math.max(deduplicationSeconds, Math.ceil(late.maxWaitMilliseconds / 1_000));
}

/** The plan ids of a span of time, and those of the span before it: together they reach back at least one span. */
export function seenKeys(settings: ObserverSettings, epochSeconds: number) {
  const span = Math.floor(epochSeconds / rememberedSeconds(settings));
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
