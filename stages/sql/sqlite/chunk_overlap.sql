-- Those that are in do not overlap: only the last that begins before ?3 can reach into [?2, ?3).
SELECT plain_first, plain_end, plain_end > ?2
FROM dvf_import_chunk
WHERE source = ?1 AND plain_first < ?3
ORDER BY plain_first DESC
LIMIT 1
