SELECT plain_first, plain_end, first_record, rows, rejects
FROM range
WHERE destination = ?1 AND sha256 = ?2 AND plain_first >= coalesce(
		(SELECT max(plain_first) FROM range
		WHERE destination = ?1 AND sha256 = ?2 AND plain_first <= ?3), ?3)
ORDER BY plain_first
LIMIT 2
