-- Whether this file has the same.
SELECT sql IS ?3 FROM main.sqlite_master WHERE type = ?1 AND name = ?2 COLLATE NOCASE
