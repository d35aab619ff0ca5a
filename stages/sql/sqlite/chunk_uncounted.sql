-- Whether the record ?2 of the source ?1 is in, as a row or as a reject, and no chunk counts it.
SELECT (EXISTS (SELECT 1 FROM :"table" WHERE source_row = ?2)
		OR EXISTS (SELECT 1 FROM dvf_import_reject WHERE source = ?1 AND record = ?2))
	AND NOT EXISTS (
		SELECT 1 FROM dvf_import_chunk
		WHERE source = ?1 AND first_record <= ?2 AND ?2 < first_record + rows + rejects)
