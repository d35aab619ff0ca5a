INSERT INTO sample (run, at_ms, rows, memory, memory_limit) VALUES (?1, ?2, ?3, ?4, ?5)
ON CONFLICT (run, at_ms) DO UPDATE SET
	rows = excluded.rows,
	memory = excluded.memory,
	memory_limit = excluded.memory_limit
