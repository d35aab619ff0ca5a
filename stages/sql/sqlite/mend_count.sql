-- The chunk of the record counts it as a row.
UPDATE dvf_import_chunk SET rows = rows + 1, rejects = rejects - 1
WHERE source = ?1 AND rejects > 0 AND plain_first = (
	SELECT max(c.plain_first)
	FROM dvf_import_chunk c, dvf_import_reject r
	WHERE c.source = ?1 AND r.source = ?1 AND r.record = ?2
		AND c.plain_first <= r.plain_first AND r.plain_first < c.plain_end)
