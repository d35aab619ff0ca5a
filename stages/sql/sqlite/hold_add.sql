INSERT INTO main.dvf_import_source
	(year, sha256, table_name, stage, url, etag, last_modified, announced_size, packed_size,
	plain_size, rows, rejects, layout_version, parser_version, why, under, begun_at, run)
SELECT year, sha256, '', 'held', url, etag, last_modified, announced_size, packed_size,
	plain_size, rows, rejects, layout_version, parser_version,
	CASE stage WHEN 'held' THEN why
		ELSE 'reverted on ' || strftime('%Y-%m-%dT%H:%M:%SZ', 'now')
			|| '; run --release loads it again' END,
	'revert', strftime('%Y-%m-%dT%H:%M:%SZ', 'now'),
	coalesce((SELECT holder FROM main.dvf_import_destination), '')
FROM live.dvf_import_source
WHERE id = ?1
