-- A node has an audience for a room.
-- ARGV[3]: the node. [4]: '' or epoch:offset of the last message it knows. [5]: who is there, '' if that is not known. [6]: the channel.
-- Answers {epoch, offset, former epochs, log, who is here on which nodes}.
local head = bring_up_to_date(find(), ARGV[1], ARGV[2])
for _, key in ipairs(KEYS) do
  redis.call('PERSIST', key)
end
if ARGV[5] == '' then
  redis.call('HSETNX', HERE, ARGV[3], '0:0:0')
elseif redis.call('HGET', HERE, ARGV[3]) ~= ARGV[5] then
  redis.call('HSET', HERE, ARGV[3], ARGV[5])
  redis.call('PUBLISH', ARGV[6], 'H' .. ARGV[3] .. ':' .. ARGV[5])
end
local epoch, offset = string.match(ARGV[4], '^([^:]+):(%d+)$')
local from = '-'
if epoch == head.epoch then
  from = '(' .. offset .. '-0'
end
local log = redis.call('XRANGE', LOG, from, '+')
return { head.epoch, number(head.offset), head.former, log, redis.call('HGETALL', HERE) }
