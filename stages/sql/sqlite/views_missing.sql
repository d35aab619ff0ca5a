-- Whether our views are to be made: nobody else has a thing of their names, none is a newer program's, and one of them is not there
-- or is an older version's.
-- SQLite takes names for the same whatever their case, and refuses a view that has the name of an index; a trigger's is no matter.
WITH there AS (
	SELECT type = 'view' AND instr(sql, 'made by dvf-import') > 0 AS ours,
		CAST(substr(sql, instr(sql, 'made by dvf-import, version ') + length('made by dvf-import, version ')) AS INTEGER) AS version
	FROM sqlite_master
	WHERE lower(name) IN ('dvf_sale', 'dvf_price_m2') AND type <> 'trigger'
)
SELECT coalesce(min(ours AND version <= 1), 1) AND coalesce(sum(version = 1), 0) < 2 FROM there
