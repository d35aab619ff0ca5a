-- Once, whoever finishes it.
INSERT INTO main.dvf_import_swap
	(kind, live, instead_of, run, meant_at, live_file, instead_file, gone_file, done_at, id)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8,
	CASE WHEN ?9 THEN strftime('%Y-%m-%dT%H:%M:%SZ', 'now') END, ?10)
ON CONFLICT (id) DO NOTHING
