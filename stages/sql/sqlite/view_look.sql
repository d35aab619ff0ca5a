-- What stands under the name dvf, and whether we made it.
SELECT type, type = 'view' AND instr(sql, 'made by dvf-import') > 0
FROM sqlite_master
WHERE name = 'dvf' COLLATE NOCASE AND type IN ('table', 'view')
