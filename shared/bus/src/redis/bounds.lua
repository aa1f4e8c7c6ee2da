-- Returns the first and the last sequence number of the log, 0 and 0 when it is empty. KEYS: log.
-- With ARGV (channel, command that publishes, text) it says the text at the same moment: whoever hears it has
-- heard before everything that was told up to that last number.
local function seq(entries)
  return entries[1] and tonumber(string.match(entries[1][1], '^%d+')) or 0
end
local first = seq(redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', 1))
local last = seq(redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1))
if ARGV[1] then
  redis.call(ARGV[2], ARGV[1], ARGV[3])
end
return {first, last}
