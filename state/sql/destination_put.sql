INSERT INTO destination (uuid, kind, name, turn)
VALUES (?1, ?2, ?3, (SELECT coalesce(max(turn), 0) + 1 FROM destination))
ON CONFLICT (uuid) DO UPDATE SET
	kind = excluded.kind,
	name = excluded.name,
	turn = excluded.turn
RETURNING id
