SELECT year, stage, coalesce(why, '') FROM main.dvf_import_source AS s
WHERE stage IN ('incoming', 'ready') OR (stage = 'held' AND under IS NOT 'revert')
	OR (stage = 'refused' AND NOT EXISTS (SELECT 1 FROM main.dvf_import_source AS o
		WHERE o.year = s.year AND o.stage = 'published'
			AND EXISTS (SELECT 1 FROM main.sqlite_master WHERE type = 'table' AND name = o.table_name)))
ORDER BY year
