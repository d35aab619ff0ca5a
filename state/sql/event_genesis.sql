SELECT printf('%064d', 0) || value,
	coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'event'), 0)
FROM meta
WHERE name = 'chain'
