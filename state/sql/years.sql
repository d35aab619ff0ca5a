SELECT destination.name, year.year, stage, sha256, packed_done, packed_size,
	plain_done, plain_size, rows, rejects, elapsed_ms, message, updated_at
FROM destination JOIN year ON year.destination = destination.id
WHERE ?1 IS NULL OR uuid = ?1
ORDER BY turn DESC, year.year
