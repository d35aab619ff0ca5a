INSERT INTO dvf_import_mended
	(source, record, plain_first, plain_end, column_name, reason, raw, mended, mended_at)
SELECT source, record, plain_first, plain_end, column_name, reason, raw, ?3,
	strftime('%Y-%m-%dT%H:%M:%SZ', 'now')
FROM dvf_import_reject
WHERE source = ?1 AND record = ?2
