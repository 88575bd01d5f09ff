-- A node is alive. Time is the broker's own.
-- KEYS[1]: until when each node is taken for alive. ARGV[1]: the node. [2]: for how long.
-- Answers {nodes alive, nodes that were, 1 if this one was not any more}.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local before = redis.call('ZSCORE', KEYS[1], ARGV[1])
local lapsed = (not before or tonumber(before) <= now) and 1 or 0
redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[1])
local alive = redis.call('ZRANGEBYSCORE', KEYS[1], '(' .. string.format('%.0f', now), '+inf')
local dead = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', string.format('%.0f', now))
return { alive, dead, lapsed }
