INSERT INTO dvf_import_source
	(year, sha256, table_name, stage, url, etag, last_modified, announced_size, packed_size,
	layout_version, parser_version, begun_at, run)
VALUES (?1, ?2, ?8, ?9, ?3, ?4, ?5, ?6, ?7, ?10, ?11, strftime('%Y-%m-%dT%H:%M:%SZ', 'now'),
	coalesce((SELECT holder FROM dvf_import_destination), ''))
