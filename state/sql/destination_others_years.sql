DELETE FROM year WHERE destination IN (SELECT id FROM destination WHERE name = ?1 AND uuid <> ?2)
