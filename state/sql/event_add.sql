INSERT INTO event (number, at, run, kind, year, body, hash)
VALUES (?1, ?2, nullif(?3, 0), ?4, nullif(?5, 0), ?6, ?7)
