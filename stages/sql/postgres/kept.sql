-- Records that are not in the table as their file has them. The second half is kept_mended.sql, or nothing where
-- an older version made the schema. Binary, so that raw bytes come as they are; numbers travel as text.
DECLARE kept BINARY NO SCROLL CURSOR FOR
SELECT s.sha256, s.year::text, s.stage, k.record::text, k.plain_first::text, k.plain_end::text,
       k.column_name, k.reason, k.raw, k.mended
FROM (SELECT edition, record, plain_first, plain_end, column_name, reason, raw, NULL::bytea AS mended
      FROM dvf_import.reject
      :mended) k
JOIN dvf_import.source s ON s.edition = k.edition
WHERE :year IN (0, s.year)
ORDER BY s.year, s.sha256 COLLATE "C", k.record
