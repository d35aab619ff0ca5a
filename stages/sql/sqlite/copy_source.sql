INSERT INTO main.dvf_import_source
	(year, sha256, table_name, stage, url, etag, last_modified, announced_size, packed_size,
	plain_size, rows, rejects, layout_version, parser_version, begun_at, run)
SELECT year, sha256, ?2, 'incoming', url, etag, last_modified, announced_size, packed_size,
	plain_size, rows, rejects, layout_version, parser_version,
	strftime('%Y-%m-%dT%H:%M:%SZ', 'now'),
	coalesce((SELECT holder FROM main.dvf_import_destination), '')
FROM live.dvf_import_source
WHERE id = ?1
