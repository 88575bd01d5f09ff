-- How a room stands: brought up to date before anything else is done with it.
-- KEYS: head, log, keys of posts, those of the generation before, who is here on which nodes.
-- ARGV[1]: which life of the broker this is. ARGV[2]: the epoch that begins if one has to.
local HEAD, LOG, NEW, OLD, HERE = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local FORMER_MAX = 8

local function number(value)
  return string.format('%.0f', value)
end

-- The head, or nothing where there is none.
local function find()
  local kept = redis.call('HMGET', HEAD, 'epoch', 'offset', 'run', 'former', 'keys_from', 'newer_from')
  if not kept[1] then
    return nil
  end
  return {
    epoch = kept[1], offset = tonumber(kept[2]), run = kept[3], former = kept[4],
    keys_from = tonumber(kept[5]), newer_from = tonumber(kept[6]),
  }
end

local function keep(head)
  redis.call('HSET', HEAD, 'epoch', head.epoch, 'offset', number(head.offset), 'run', head.run,
    'former', head.former, 'keys_from', number(head.keys_from), 'newer_from', number(head.newer_from))
end

-- Whether this run has all that was written in that one: it is the same, or has only forgotten since that it once was a replica. A run is
-- named by a process, and behind a `-` by the history that it began as a master if it had been a replica.
local function is_one_life(kept, run)
  return kept == run or (not string.find(run, '-', 1, true) and string.sub(kept, 1, #run + 1) == run .. '-')
end

-- A room that is not there begins an epoch. One whose head another life of the broker wrote begins one that continues it.
local function bring_up_to_date(head, run, fresh)
  if not head then
    redis.call('DEL', LOG, NEW, OLD)
    head = { epoch = fresh, offset = 0, run = run, former = '', keys_from = 1, newer_from = 1 }
    keep(head)
  elseif not is_one_life(head.run, run) then
    local former, count = head.epoch .. ':' .. number(head.offset), 1
    for one in string.gmatch(head.former, '[^,]+') do
      if count < FORMER_MAX then
        former, count = former .. ',' .. one, count + 1
      end
    end
    head.former, head.epoch, head.run = former, fresh, run
    keep(head)
  end
  return head
end

local function expire(idle_ms)
  for _, key in ipairs(KEYS) do
    redis.call('PEXPIRE', key, idle_ms)
  end
end
