-- The row stays: it tells which points go when another edition of this source comes.
UPDATE spool SET dropped = 1 WHERE year = ?1 AND url = ?2
