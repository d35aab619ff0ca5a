COPY dvf_import.reject (edition, year, record, plain_first, plain_end, column_name, reason, raw)
FROM STDIN (FORMAT binary)
