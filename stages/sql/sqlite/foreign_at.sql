-- What people made in the attached file, in the order in which it can be made again.
SELECT type, name, tbl_name, sql FROM live.sqlite_master AS m
WHERE sql IS NOT NULL AND name NOT GLOB 'sqlite_*'
	AND NOT (name GLOB 'dvf_import_*' AND tbl_name GLOB 'dvf_import_*' AND type <> 'view')
	AND NOT (type = 'table' AND name IN (
		SELECT table_name FROM live.dvf_import_source
		UNION ALL SELECT table_name FROM main.dvf_import_source))
	AND NOT (type = 'view' AND name IN ('dvf', 'dvf_sale', 'dvf_price_m2') AND instr(sql, 'made by dvf-import') > 0)
	AND NOT (type = 'index' AND tbl_name IN (SELECT table_name FROM live.dvf_import_source)
		AND name IN (tbl_name || '_commune', tbl_name || '_parcelle', tbl_name || '_mutation',
			tbl_name || '_postal', tbl_name || '_date'))
ORDER BY CASE type WHEN 'table' THEN 0 WHEN 'index' THEN 1 WHEN 'view' THEN 2 ELSE 3 END, name
LIMIT 1 OFFSET ?1
