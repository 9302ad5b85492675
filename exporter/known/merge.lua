-- Merges facts of one workload as `merged` of interface.py does, and returns what stood there before each.
-- KEYS[1] is its hash, KEYS[2] the number of all facts; ARGV the seconds after which it vanishes, the silence in seconds
-- that ends an episode, then field and row of each fact. Rows are written as valkey_rows.py says; what is none is as if it
-- were not there.

local SILENCE = tonumber(ARGV[2])
local TIME = '(' .. string.rep('%d', 20) .. ')'
local ROW = '^' .. TIME .. TIME .. TIME .. '(%d+):()'

local function read(text)
  local first, last, since, size, start = string.match(text or '', ROW)
  if not first or #size > 9 then return nil end
  local middle = start + tonumber(size)
  if middle > #text + 1 then return nil end
  local began, latest = string.sub(text, start, middle - 1), string.sub(text, middle)
  return {first = first, last = last, since = since, began = began, latest = latest}
end

local function written(first, last, since, began, latest)
  return first .. last .. since .. #began .. ':' .. began .. latest
end

-- By time, then by the bytes of the text, as Python compares it: `<` follows the locale of the server, which orders
-- digits like any other.
local function less(time, text, other_time, other_text)
  if time ~= other_time then return time < other_time end
  for i = 1, math.min(#text, #other_text) do
    local one, other = string.byte(text, i), string.byte(other_text, i)
    if one ~= other then return one < other end
  end
  return #text < #other_text
end

-- In two parts, for numbers of Lua do not hold ns since the epoch.
local function joined(early_last, late_since)
  local gap = tonumber(string.sub(late_since, 1, 11)) - tonumber(string.sub(early_last, 1, 11))
  if gap ~= SILENCE then return gap < SILENCE end
  return string.sub(early_last, 12) >= string.sub(late_since, 12)
end

local function merged(one, other)
  local first = one
  if less(other.first, other.began, one.first, one.began) then first = other end
  local late, early = one, other
  if less(one.last, one.latest, other.last, other.latest) then late, early = other, one end
  local since = late.since
  if joined(early.last, late.since) and early.since < since then since = early.since end
  return written(first.first, late.last, since, first.began, late.latest)
end

local before, new = {}, 0
for i = 3, #ARGV, 2 do
  local field, row = ARGV[i], ARGV[i + 1]
  local known = redis.call('HGET', KEYS[1], field)
  local one = read(known)
  if one then row = merged(one, read(row)) end
  if row ~= known then redis.call('HSET', KEYS[1], field, row) end
  before[#before + 1] = known
  if not known then new = new + 1 end
end
redis.call('EXPIRE', KEYS[1], ARGV[1])
-- `pcall`, for what was asked is done although its number cannot be kept.
if new > 0 then redis.pcall('INCRBY', KEYS[2], new) end
return before
