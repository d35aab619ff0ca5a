SELECT EXISTS (
	SELECT 1 FROM event
	WHERE kind IN ('year published', 'year found published') AND json_valid(body)
		AND json_extract(body, '$.destination') = ?1)
