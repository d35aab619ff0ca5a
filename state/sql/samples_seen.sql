-- Of the newest run that has any.
SELECT run, at_ms, rows, memory, memory_limit
FROM sample
WHERE run = (SELECT max(run) FROM sample)
ORDER BY at_ms
