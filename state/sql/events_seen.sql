-- The newest of some kinds; of their facts those that are one short value.
SELECT number, at, run, kind, year,
	CASE WHEN json_valid(body) THEN (
		SELECT group_concat(key || '=' || CASE
			WHEN length(value) = 64 AND value NOT GLOB '*[^0-9a-f]*' THEN substr(value, 1, 12)
			ELSE value END, '  ')
		FROM json_each(body)
		WHERE type NOT IN ('object', 'array', 'null') AND value <> '' AND key NOT IN ('destination', 'url'))
	END
FROM event
WHERE instr(?1, '|' || kind || '|') > 0
ORDER BY number DESC
LIMIT ?2
