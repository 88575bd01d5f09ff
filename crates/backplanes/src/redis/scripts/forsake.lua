-- A node has no audience for a room any more. Of `head.lua` only the keys are needed.
-- ARGV[3]: the node. [4]: after how long a room nobody attends to is forgotten. [5]: the channel.
if redis.call('HDEL', HERE, ARGV[3]) == 1 then
  redis.call('PUBLISH', ARGV[5], 'H' .. ARGV[3] .. ':')
  if redis.call('EXISTS', HERE) == 0 then
    expire(ARGV[4])
  end
end
return 'OK'
