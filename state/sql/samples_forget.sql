-- Those of the few last runs stay.
DELETE FROM sample
WHERE run < (SELECT min(run) FROM (SELECT DISTINCT run FROM sample ORDER BY run DESC LIMIT ?1))
