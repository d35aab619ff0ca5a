-- Three queries, so that each can use the cheapest way there is.
SELECT
	(SELECT count(*) FROM :"table"),
	(SELECT min(source_row) FROM :"table"),
	(SELECT max(source_row) FROM :"table")
