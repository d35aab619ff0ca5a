-- Whether the view dvf reads ?1.
SELECT 1 FROM main.sqlite_master WHERE type = 'view' AND name = 'dvf' AND sql = ?1
