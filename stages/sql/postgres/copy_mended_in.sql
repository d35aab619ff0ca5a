COPY dvf_import.mended (edition, year, record, plain_first, plain_end, column_name, reason, raw, mended, mended_at)
FROM STDIN (FORMAT binary)
