UPDATE spool SET verified = 1, plain_size = ?2 WHERE sha256 = ?1 AND NOT dropped
