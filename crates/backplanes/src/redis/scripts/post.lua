-- A message wants to be the next of its room.
-- ARGV[3]: what is kept. [4]: its key. [5]: '' if it is asked for the first time, '?' if not, or epoch:offset where the room stood then.
-- [6]: how many messages are kept. [7]: how many keys. [8]: after how long the room is forgotten. [9]: '1' if it must be there. [10]: the channel.
-- Answers {epoch, offset, 0 or 1 for one that stood there before}, or a word.
local entry, key, tried = ARGV[3], ARGV[4], ARGV[5]
local head = find()
if not head and ARGV[9] == '1' then
  return 'nobody'
end
head = bring_up_to_date(head, ARGV[1], ARGV[2])
local deserted = redis.call('EXISTS', HERE) == 0
if deserted then
  expire(ARGV[8])
end
local known = redis.call('HGET', NEW, key) or redis.call('HGET', OLD, key)
if known then
  return { head.epoch, known, 1 }
end

-- Which offset of this epoch the room had reached when it stood, or had been beyond, there.
local function stood_at(epoch, offset)
  if epoch == head.epoch then
    return offset
  end
  local kept = head.offset
  for former, last in string.gmatch(head.former, '([^:,]+):(%d+)') do
    kept = math.min(kept, tonumber(last))
    if former == epoch then
      return math.min(offset, kept)
    end
  end
  return 0
end

if tried ~= '' then
  local epoch, offset = string.match(tried, '^([^:]+):(%d+)$')
  local then_at = epoch and stood_at(epoch, tonumber(offset)) or 0
  if head.keys_from > then_at + 1 then
    return 'undecided'
  end
end

head.offset = head.offset + 1
local offset = number(head.offset)
redis.call('XADD', LOG, 'MAXLEN', '=', ARGV[6], offset .. '-0', 'm', entry)
redis.call('HSET', NEW, key, offset)
if redis.call('HLEN', NEW) >= tonumber(ARGV[7]) then
  redis.call('RENAME', NEW, OLD)
  head.keys_from, head.newer_from = head.newer_from, head.offset + 1
  keep(head)
else
  redis.call('HSET', HEAD, 'offset', offset)
end
if deserted then
  expire(ARGV[8])
end
redis.call('PUBLISH', ARGV[10], 'P' .. head.epoch .. ':' .. offset .. ':' .. entry)
return { head.epoch, offset, 0 }
