-- Forgets fields of one workload, or all of it when none is named, and returns how many facts there were.
-- KEYS[1] is its hash, KEYS[2] the number of all facts; ARGV the fields.

local number = 0
if #ARGV == 0 then
  number = redis.call('HLEN', KEYS[1])
  redis.call('UNLINK', KEYS[1])
end
for i = 1, #ARGV do
  number = number + redis.call('HDEL', KEYS[1], ARGV[i])
end
-- `pcall`, for what was asked is done although its number cannot be kept.
if number > 0 then redis.pcall('INCRBY', KEYS[2], -number) end
return number
