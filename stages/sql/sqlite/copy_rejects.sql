INSERT INTO main.dvf_import_reject
	(source, record, plain_first, plain_end, column_name, reason, raw)
SELECT ?1, record, plain_first, plain_end, column_name, reason, raw
FROM live.dvf_import_reject
WHERE source = ?2
