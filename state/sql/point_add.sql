INSERT INTO point (sha256, plain, packed, member_plain, crc, bit, kind, window)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
ON CONFLICT (sha256, plain) DO NOTHING
