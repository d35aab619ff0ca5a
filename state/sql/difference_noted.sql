SELECT EXISTS (
	SELECT 1 FROM event
	WHERE kind = 'history differs' AND json_valid(body) AND json_extract(body, '$.chain') = ?1
		AND json_extract(body, '$.number') = ?2 AND json_extract(body, '$.hash') = ?3)
