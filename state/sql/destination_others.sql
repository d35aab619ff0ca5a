-- What had the name before: it made room and is gone.
DELETE FROM destination WHERE name = ?1 AND uuid <> ?2
