-- What the attached destination serves for a year: said to be published, and the table is there.
SELECT id, table_name, stage, year, sha256, url, etag, last_modified, announced_size, packed_size,
	plain_size, rows, rejects, layout_version, parser_version, why, under
FROM live.dvf_import_source
WHERE year = ?1 AND stage = 'published'
	AND EXISTS (SELECT 1 FROM live.sqlite_master WHERE type = 'table' AND name = table_name)
