DELETE FROM year WHERE destination = ?1 AND year = ?2
