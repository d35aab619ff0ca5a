-- What a new edition puts out of the way. A refused one has no table; its verdict is kept, and so is
-- one that a revert holds.
SELECT id, table_name FROM dvf_import_source
WHERE year = ?1 AND sha256 <> ?2 AND stage IN ('incoming', 'ready', 'held')
	AND NOT (stage = 'held' AND table_name = '')
LIMIT 1
