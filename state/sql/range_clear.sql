DELETE FROM range
WHERE destination = ?1 AND sha256 = ?2 AND plain_first >= ?3 AND plain_first < ?4
