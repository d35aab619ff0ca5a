SELECT json_object('number', number, 'at', at, 'run', run, 'kind', kind, 'year', year,
	'body', CASE WHEN json_valid(body) THEN json(body) ELSE body END, 'hash', hash)
FROM event
WHERE (?1 = 0 OR year = ?1) AND (?2 = 0 OR run = ?2)
	AND (?3 = 0 OR number >= (
		SELECT min(number) FROM (
			SELECT number FROM event
			WHERE (?1 = 0 OR year = ?1) AND (?2 = 0 OR run = ?2)
			ORDER BY number DESC LIMIT ?3)))
ORDER BY number
