-- Whether the newest event about what a destination serves of a year names this edition.
SELECT EXISTS (
	SELECT 1
	FROM (
		SELECT kind, json_extract(body, '$.edition') AS edition
		FROM event
		WHERE kind IN ('year published', 'year found published', 'year given up')
			AND year = ?2 AND json_valid(body)
			AND json_extract(body, '$.destination') = ?1
		ORDER BY number DESC
		LIMIT 1)
	WHERE kind <> 'year given up' AND edition = ?3)
