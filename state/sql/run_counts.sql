-- When one last ended is asked of runs that import: a promote or revert says nothing of what is in
-- (runs_seen.sql tells them apart in the same way).
WITH ended AS (
	SELECT outcome, exit_code, unixepoch(ended_at) AS ended_s,
		settings ->> '$.drain_s' IS NULL OR settings ->> '$.promote' IS NOT NULL AS imports
	FROM run
	WHERE outcome IS NOT NULL
)
SELECT outcome, count(*),
	coalesce(max(ended_s) FILTER (WHERE imports AND exit_code = 0), 0),
	coalesce(max(ended_s) FILTER (WHERE imports), 0)
FROM ended
GROUP BY outcome
ORDER BY outcome
