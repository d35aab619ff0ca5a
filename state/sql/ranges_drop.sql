DELETE FROM range WHERE destination = ?1 AND sha256 = ?2
