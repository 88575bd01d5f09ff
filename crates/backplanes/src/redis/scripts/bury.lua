-- Nothing is kept of a node that died, unless it is alive again or has rooms, which only its lease leads to.
-- Time is the broker's own.
-- KEYS[1]: until when each node is taken for alive. [2]: its rooms. ARGV[1]: the node.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local before = redis.call('ZSCORE', KEYS[1], ARGV[1])
if before and tonumber(before) <= now and redis.call('EXISTS', KEYS[2]) == 0 then
  redis.call('ZREM', KEYS[1], ARGV[1])
end
return 'OK'
