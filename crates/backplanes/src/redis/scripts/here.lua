-- Who is in a room on a node now.
-- KEYS[1]: who is here on which nodes. ARGV[1]: the node. [2]: who. [3]: the channel.
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
redis.call('PUBLISH', ARGV[3], 'H' .. ARGV[1] .. ':' .. ARGV[2])
return 'OK'
