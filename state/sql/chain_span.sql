-- From which event on the history has this chain id, and from which one it has another.
WITH part (chain, first) AS (
	SELECT value, 1 FROM meta WHERE name = 'chain'
	UNION ALL
	SELECT json_extract(body, '$.begins'), number FROM event
	WHERE kind IN ('history is behind', 'history differs') AND json_valid(body)
		AND json_extract(body, '$.begins') IS NOT NULL)
SELECT first, (SELECT min(first) - 1 FROM part AS later WHERE later.first > part.first)
FROM part
WHERE chain = ?1
