-- Only a promote or revert of its own has these settings without the flag.
SELECT id, version, host, started_at, ended_at, outcome, exit_code, peak_memory,
	CASE
		WHEN settings ->> '$.drain_s' IS NOT NULL AND settings ->> '$.promote' IS NULL THEN 'promote'
		ELSE 'run'
	END
FROM run
ORDER BY id DESC
LIMIT ?1
