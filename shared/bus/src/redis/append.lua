-- Appends and tells what the log does not have yet, in order and without a hole.
-- KEYS: log. ARGV: channel, command that publishes, events to keep, whether the log must hold something
-- ('1' or '0'), then sequence number and event in turn.
-- Returns {1, last} when all of them are there, {0, last} when the next one does not follow the last.
local last = 0
local tail = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)
if tail[1] then
  last = tonumber(string.match(tail[1][1], '^%d+'))
else
  if ARGV[4] == '1' then
    return {0, 0}
  end
  -- A stream that somebody emptied still refuses the numbers that it had.
  redis.call('DEL', KEYS[1])
end
local function add(seq, event)
  return redis.pcall('XADD', KEYS[1], 'MAXLEN', '~', ARGV[3], seq .. '-0', 'event', event)
end
for i = 5, #ARGV, 2 do
  local seq = tonumber(ARGV[i])
  if seq > last then
    if last > 0 and seq > last + 1 then
      return {0, last}
    end
    local added = add(ARGV[i], ARGV[i + 1])
    if added.err and string.find(added.err, 'equal or smaller', 1, true) then
      -- So does one whose last entries somebody removed.
      redis.call('XSETID', KEYS[1], string.format('%.0f-0', last))
      added = add(ARGV[i], ARGV[i + 1])
    end
    if added.err then
      return added
    end
    redis.call(ARGV[2], ARGV[1], ARGV[i + 1])
    last = seq
  end
end
return {1, last}
