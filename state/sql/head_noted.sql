-- The furthest head of a chain that our history names.
SELECT number, json_extract(body, '$.number'), json_extract(body, '$.hash')
FROM event
WHERE kind IN ('history continues', 'other history seen', 'history is behind') AND json_valid(body)
	AND json_extract(body, '$.chain') = ?1
ORDER BY 2 DESC
LIMIT 1
