SELECT outcome, count(*),
	coalesce(max(CASE WHEN exit_code = 0 THEN unixepoch(ended_at) END), 0),
	coalesce(max(unixepoch(ended_at)), 0)
FROM run
WHERE outcome IS NOT NULL
GROUP BY outcome
ORDER BY outcome
