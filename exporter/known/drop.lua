-- Forgets facts of one workload that nobody has merged since they were read, and returns how many.
-- KEYS[1] is its hash, KEYS[2] the number of all facts; ARGV the field of the workload itself and what stood there, then
-- field and row of each fact.
-- When the workload itself was seen again meanwhile, nothing is forgotten: facts that go with it must stay.

if (redis.call('HGET', KEYS[1], ARGV[1]) or '') ~= ARGV[2] then return 0 end
local number = 0
for i = 3, #ARGV, 2 do
  if redis.call('HGET', KEYS[1], ARGV[i]) == ARGV[i + 1] then
    number = number + redis.call('HDEL', KEYS[1], ARGV[i])
  end
end
-- `pcall`, for what was asked is done although its number cannot be kept.
if number > 0 then redis.pcall('INCRBY', KEYS[2], -number) end
return number
