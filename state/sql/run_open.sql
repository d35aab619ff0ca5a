SELECT id, started_at FROM run WHERE outcome IS NULL ORDER BY id LIMIT 1
