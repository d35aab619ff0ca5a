-- Whether our views are to be made: nobody else has a thing of their names, and one of them is not there or is an older version's.
-- SQLite takes names for the same whatever their case, and refuses a view that has the name of an index; a trigger's is no matter.
SELECT coalesce(min(type = 'view' AND instr(sql, 'made by dvf-import') > 0), 1)
	AND coalesce(sum(instr(sql, 'made by dvf-import, version 1 ') > 0), 0) < 2
FROM sqlite_master
WHERE lower(name) IN ('dvf_sale', 'dvf_price_m2') AND type <> 'trigger'
