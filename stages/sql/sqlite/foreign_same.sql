-- Whether the rows of a table are the same in both.
SELECT (SELECT count(*) FROM live.:"table") = (SELECT count(*) FROM main.:"table")
	AND NOT EXISTS (SELECT * FROM live.:"table" EXCEPT SELECT * FROM main.:"table")
