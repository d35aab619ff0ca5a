-- What is said to be published, and whether its table is there.
SELECT table_name, year,
	EXISTS (SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = table_name) AS there
FROM dvf_import_source
WHERE stage = 'published'
ORDER BY year
