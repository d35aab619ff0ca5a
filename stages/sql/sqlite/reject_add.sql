INSERT INTO dvf_import_reject
	(source, record, plain_first, plain_end, column_name, reason, raw)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
