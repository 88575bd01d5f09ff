-- Who is in a room on a node now, if that still attends to it.
-- KEYS[1]: who is here on which nodes. ARGV[1]: the node. [2]: who. [3]: the channel.
if redis.call('HGET', KEYS[1], ARGV[1]) then
  redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
  redis.call('PUBLISH', ARGV[3], 'H' .. ARGV[1] .. ':' .. ARGV[2])
end
return 'OK'
