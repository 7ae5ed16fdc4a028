-- KEYS: a record
-- Returns its JSON, or nothing
return record(KEYS[1])
