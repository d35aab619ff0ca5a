UNION ALL
SELECT record, plain_first, plain_end, column_name, reason, raw, mended
FROM dvf_import_mended
WHERE source = ?1
