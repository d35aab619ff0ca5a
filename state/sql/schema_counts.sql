-- Whether the next event and the next run can get their numbers, and the chain has its id.
SELECT
	(SELECT count(*) FROM sqlite_sequence AS given
	WHERE (name = 'event' AND seq < (SELECT coalesce(max(number), 0) FROM event))
		OR typeof(seq) <> 'integer' OR seq NOT BETWEEN 0 AND 1 << 53) = 0
	AND (NOT EXISTS (SELECT 1 FROM event) OR EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = 'event'))
	AND EXISTS (SELECT 1 FROM meta WHERE name = 'chain' AND length(value) > 0)
