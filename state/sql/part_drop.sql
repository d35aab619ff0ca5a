DELETE FROM part WHERE year = ?1 AND url = ?2
