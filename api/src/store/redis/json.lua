-- Put before scripts that return records. A record is a hash whose values are JSON.
-- Its JSON text, or false when it is not there: one text is read far faster than a list of fields.
local function record(key)
  local hash = redis.call('HGETALL', key)
  if #hash == 0 then return false end
  local parts = {}
  for i = 1, #hash, 2 do parts[#parts + 1] = '"' .. hash[i] .. '":' .. hash[i + 1] end
  return '{' .. table.concat(parts, ',') .. '}'
end
