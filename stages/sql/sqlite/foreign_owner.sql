-- Whether the table (or view) that an index or trigger stands on is here.
SELECT count(*) FROM main.sqlite_master WHERE name = ?1 COLLATE NOCASE AND type IN ('table', 'view')
