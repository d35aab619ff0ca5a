UPDATE run SET
	outcome = ?2,
	exit_code = ?3,
	peak_memory = ?4,
	ended_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now')
WHERE id = ?1 AND outcome IS NULL
RETURNING id
