DELETE FROM main.sqlite_sequence WHERE name = ?1
