-- The newest event and the chain it stands in: the ledger's own, or the one the history began when it was
-- found not to be what a destination was told.
SELECT number, hash,
	coalesce(
		(SELECT CASE WHEN json_valid(body) THEN json_extract(body, '$.begins') END AS begins FROM event
		WHERE kind IN ('history is behind', 'history differs') AND begins IS NOT NULL
		ORDER BY number DESC LIMIT 1),
		(SELECT value FROM meta WHERE name = 'chain'))
FROM event
ORDER BY number DESC
LIMIT 1
