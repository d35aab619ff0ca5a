-- Heads after a position, oldest first, some at a time.
SELECT position, chain, number, hash, why, to_char(told_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
FROM dvf_import.history
WHERE position > $1
ORDER BY position
LIMIT 256
