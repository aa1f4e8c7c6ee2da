-- Forgets every event and says so. KEYS: log. ARGV: channel, command that publishes, what is said.
redis.call('DEL', KEYS[1])
redis.call(ARGV[2], ARGV[1], ARGV[3])
return 1
