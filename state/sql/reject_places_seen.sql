SELECT plain_first, plain_end, rejects
FROM reject_place
WHERE destination = ?1 AND sha256 = ?2
ORDER BY plain_first
