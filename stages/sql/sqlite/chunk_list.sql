SELECT plain_first, plain_end, first_record, rows, rejects
FROM dvf_import_chunk
WHERE source = ?1
ORDER BY plain_first
