INSERT INTO reject_place (destination, sha256, plain_first, plain_end, rejects)
VALUES (?1, ?2, ?3, ?4, ?5)
ON CONFLICT (destination, sha256, plain_first) DO UPDATE SET
	plain_end = excluded.plain_end,
	rejects = excluded.rejects
