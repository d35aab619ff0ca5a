-- Records of one edition that are not in its table as the file has them. The second half is kept_mended.sql, or
-- nothing where an older version made the file. Both come in order from their indexes and are merged.
SELECT record, plain_first, plain_end, column_name, reason, raw, NULL AS mended
FROM dvf_import_reject
WHERE source = ?1
:mended
ORDER BY record
