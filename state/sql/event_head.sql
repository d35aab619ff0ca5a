-- The number after the last one ever given, even if that event is gone: a gap shows.
SELECT
	coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'event'), 0) + 1,
	coalesce(
		(SELECT hash FROM event ORDER BY number DESC LIMIT 1),
		(SELECT printf('%064d', 0) || value FROM meta WHERE name = 'chain')),
	strftime('%Y-%m-%dT%H:%M:%fZ', 'now')
