SELECT number, kind, live, instead_of, run, meant_at, done_at IS NOT NULL, live_file, instead_file,
	gone_file, id
FROM dvf_import_swap
ORDER BY number DESC
LIMIT 1
