INSERT INTO main.dvf_import_mended
	(source, record, plain_first, plain_end, column_name, reason, raw, mended, mended_at)
SELECT ?1, record, plain_first, plain_end, column_name, reason, raw, mended, mended_at
FROM live.dvf_import_mended
WHERE source = ?2
