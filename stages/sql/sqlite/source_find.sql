-- The edition ?2 of the year ?1, what is incoming first; without ?2 what is published. What is said to be published
-- is believed only if its table is there: people drop and rename.
SELECT id, table_name, stage, year, sha256, url, etag, last_modified, announced_size, packed_size,
	plain_size, rows, rejects, layout_version, parser_version, why, under
FROM dvf_import_source
WHERE year = ?1 AND (sha256 = ?2 OR (?2 IS NULL AND stage = 'published'))
	AND (stage <> 'published'
		OR EXISTS (SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = table_name))
ORDER BY stage = 'published'
LIMIT 1
