INSERT INTO range (destination, sha256, plain_first, plain_end, first_record, rows, rejects)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
