COPY dvf_import.chunk (edition, plain_first, plain_end, first_record, rows, rejects, crc32) FROM STDIN (FORMAT binary)
