INSERT INTO run (version, host, settings, started_at)
VALUES (?1, ?2, ?3, strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
RETURNING id
