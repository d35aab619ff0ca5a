INSERT INTO year (destination, year, stage, sha256, packed_done, packed_size,
	plain_done, plain_size, rows, rejects, elapsed_ms, message, updated_at)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
ON CONFLICT (destination, year) DO UPDATE SET
	stage = excluded.stage,
	sha256 = excluded.sha256,
	packed_done = excluded.packed_done,
	packed_size = excluded.packed_size,
	plain_done = excluded.plain_done,
	plain_size = excluded.plain_size,
	rows = excluded.rows,
	rejects = excluded.rejects,
	elapsed_ms = excluded.elapsed_ms,
	message = excluded.message,
	updated_at = excluded.updated_at
