-- I2: one island of chunks that is the whole file, and as many rows as it says.
SELECT (SELECT count(*) FROM dvf_import.:"incoming"),
       (SELECT coalesce(min(source_row), 1) FROM dvf_import.:"incoming"),
       (SELECT coalesce(max(source_row), 0) FROM dvf_import.:"incoming"),
       (SELECT count(*) FROM dvf_import.reject WHERE edition = :'edition')
