-- In WAL mode only a commit that writes is waited for on disk; with it everything before it.
INSERT INTO meta (name, value) VALUES ('head', ?1)
ON CONFLICT (name) DO UPDATE SET value = excluded.value
