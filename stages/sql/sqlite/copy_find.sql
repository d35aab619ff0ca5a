-- What the attached destination serves for a year.
SELECT id, table_name, stage, year, sha256, url, etag, last_modified, announced_size, packed_size,
	plain_size, rows, rejects, layout_version, parser_version, why, under
FROM live.dvf_import_source
WHERE year = ?1 AND stage = 'published'
