-- Every other one goes, when they are to stand twice as far apart.
DELETE FROM sample WHERE run = ?1 AND at_ms % ?2 <> 0
