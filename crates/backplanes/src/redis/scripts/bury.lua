-- Nothing is kept of a node that died, unless it is alive again: then it may have rooms again, which only its lease leads to.
-- Time is the broker's own.
-- KEYS[1]: until when each node is taken for alive. ARGV[1]: the node.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local before = redis.call('ZSCORE', KEYS[1], ARGV[1])
if before and tonumber(before) <= now then
  redis.call('ZREM', KEYS[1], ARGV[1])
end
return 'OK'
