INSERT INTO dvf_import_history (chain, number, hash, why, told_at)
VALUES (?1, ?2, ?3, ?4, strftime('%Y-%m-%dT%H:%M:%SZ', 'now'))
