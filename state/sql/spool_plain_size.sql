-- Of an edition that was read to its end; 0: none was.
SELECT coalesce(max(plain_size), 0) FROM spool WHERE sha256 = ?1 AND verified
