SELECT packed, plain, member_plain, crc, bit, kind, window
FROM point
WHERE sha256 = ?1 AND plain <= ?2
ORDER BY plain DESC
LIMIT 1
