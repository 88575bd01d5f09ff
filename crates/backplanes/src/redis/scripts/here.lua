-- Who is in a room on a node now. One that somebody is in is not forgotten.
-- KEYS: as in head.lua; the last: who is here on which nodes. ARGV[1]: the node. [2]: who. [3]: the channel.
for _, key in ipairs(KEYS) do
  redis.call('PERSIST', key)
end
redis.call('HSET', KEYS[#KEYS], ARGV[1], ARGV[2])
redis.call('PUBLISH', ARGV[3], 'H' .. ARGV[1] .. ':' .. ARGV[2])
return 'OK'
