-- Whether the rows of a table are the same in both, each as often.
SELECT (SELECT count(*) FROM live.:"table") = (SELECT count(*) FROM main.:"table")
	AND NOT EXISTS (
		SELECT :columns, count(*) FROM live.:"table" GROUP BY :columns
		EXCEPT SELECT :columns, count(*) FROM main.:"table" GROUP BY :columns)
