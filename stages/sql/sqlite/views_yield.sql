-- Whether our view ?1 is to go: a thing of its or the other's name comes from the attached file, which has no such view of ours
-- that it could stand on.
WITH named AS (
	SELECT 'live' AS file, lower(name) AS name, type = 'view' AND instr(sql, 'made by dvf-import') > 0 AS ours
	FROM live.sqlite_master WHERE type <> 'trigger'
	UNION ALL
	SELECT 'main', lower(name), type = 'view' AND instr(sql, 'made by dvf-import') > 0
	FROM main.sqlite_master WHERE type <> 'trigger'
)
SELECT EXISTS (SELECT 1 FROM named WHERE file = 'live' AND name IN ('dvf_sale', 'dvf_price_m2') AND NOT ours)
	AND NOT EXISTS (SELECT 1 FROM named WHERE file = 'live' AND name = ?1 AND ours)
	AND EXISTS (SELECT 1 FROM named WHERE file = 'main' AND name = ?1 AND ours)
