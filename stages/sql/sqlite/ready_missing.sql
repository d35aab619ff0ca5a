-- Years that the attached file serves and this one does not, and whether this one has begun or judged an edition of it.
-- Served: said to be published, and the table is there.
SELECT year, year IN (SELECT year FROM main.dvf_import_source WHERE under IS NOT 'revert' AND stage <> 'published')
FROM live.dvf_import_source
WHERE stage = 'published'
	AND EXISTS (SELECT 1 FROM live.sqlite_master WHERE type = 'table' AND name = table_name)
	AND year NOT IN (SELECT year FROM main.dvf_import_source
		WHERE stage = 'published'
			AND EXISTS (SELECT 1 FROM main.sqlite_master WHERE type = 'table' AND name = table_name))
ORDER BY year
