-- Of the run at work, else of the newest that loaded something, else of the newest.
SELECT run, at_ms, rows, memory, memory_limit
FROM sample
WHERE run = (
	SELECT sample.run FROM sample JOIN run ON run.id = sample.run
	GROUP BY sample.run
	ORDER BY run.outcome IS NULL DESC, max(sample.rows) > 0 DESC, sample.run DESC LIMIT 1)
ORDER BY at_ms
