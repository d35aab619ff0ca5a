-- The first rejects of each edition that has some, newest edition first, each edition once.
SELECT event.year, told.value ->> '$.record', told.value ->> '$.column', told.value ->> '$.reason',
	event.body ->> '$.count'
FROM event, json_each(event.body, '$.first') AS told
WHERE event.kind = 'rejects kept' AND json_valid(event.body) AND event.number IN (
	SELECT max(number) FROM event WHERE kind = 'rejects kept' AND json_valid(body)
	GROUP BY year, body ->> '$.destination')
ORDER BY event.number DESC, told.key
LIMIT ?1
