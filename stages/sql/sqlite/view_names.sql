-- Whether the view dvf is ours and shows the table ?1.
SELECT 1 FROM sqlite_master
WHERE type = 'view' AND name = 'dvf' AND instr(sql, 'made by dvf-import') > 0 AND instr(sql, ?1) > 0
