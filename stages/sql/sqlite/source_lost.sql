-- What is said to be published for the year ?1 and has no table any more.
SELECT id, table_name, stage, year, sha256, url, etag, last_modified, announced_size, packed_size,
	plain_size, rows, rejects, layout_version, parser_version, why, under
FROM dvf_import_source
WHERE year = ?1 AND stage = 'published'
	AND NOT EXISTS (SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = table_name)
