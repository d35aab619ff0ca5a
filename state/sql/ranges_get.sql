SELECT plain_first, plain_end, first_record, rows, rejects
FROM range
WHERE destination = ?1 AND sha256 = ?2
ORDER BY plain_first
