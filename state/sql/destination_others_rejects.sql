DELETE FROM reject_place
WHERE destination IN (SELECT id FROM destination WHERE name = ?1 AND uuid <> ?2)
