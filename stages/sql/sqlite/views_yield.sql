-- Whether our views are to go, because what has one of their names in the attached file is to come instead.
SELECT EXISTS (
		SELECT 1 FROM live.sqlite_master
		WHERE lower(name) IN ('dvf_sale', 'dvf_price_m2') AND type <> 'trigger'
			AND NOT (type = 'view' AND instr(sql, 'made by dvf-import') > 0))
	AND NOT EXISTS (
		SELECT 1 FROM main.sqlite_master
		WHERE lower(name) IN ('dvf_sale', 'dvf_price_m2') AND type <> 'trigger'
			AND NOT (type = 'view' AND instr(sql, 'made by dvf-import') > 0))
