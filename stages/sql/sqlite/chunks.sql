-- The witness of one edition, chunk by chunk.
SELECT plain_first, plain_end, first_record, rows, rejects, crc32
FROM dvf_import_chunk
WHERE source = ?1
ORDER BY plain_first
