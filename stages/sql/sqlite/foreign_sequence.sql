-- Where AUTOINCREMENT goes on.
INSERT INTO main.sqlite_sequence (name, seq)
SELECT name, seq FROM live.sqlite_sequence WHERE name = ?1
