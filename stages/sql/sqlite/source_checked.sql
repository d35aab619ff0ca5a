UPDATE dvf_import_source
SET rows = ?2, rejects = ?3, plain_size = ?4, ready_at = strftime('%Y-%m-%dT%H:%M:%SZ', 'now'),
	stage = CASE stage WHEN 'incoming' THEN 'ready' ELSE stage END
WHERE id = ?1
