INSERT INTO main.dvf_import_chunk
	(source, plain_first, plain_end, first_record, rows, rejects, crc32)
SELECT ?1, plain_first, plain_end, first_record, rows, rejects, crc32
FROM live.dvf_import_chunk
WHERE source = ?2
