INSERT INTO dvf_import_chunk (source, plain_first, plain_end, first_record, rows, rejects, crc32)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
