UNION ALL
SELECT edition, record, plain_first, plain_end, column_name, reason, raw, mended
FROM dvf_import.mended
