UPDATE dvf_import_source
SET stage = 'published', why = NULL, under = NULL,
	published_at = strftime('%Y-%m-%dT%H:%M:%SZ', 'now')
WHERE id = ?1
