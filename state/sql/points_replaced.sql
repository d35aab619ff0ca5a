DELETE FROM point
WHERE sha256 = (SELECT sha256 FROM spool WHERE year = ?1 AND url = ?2)
	AND sha256 <> ?3
	AND sha256 NOT IN (SELECT sha256 FROM spool WHERE year <> ?1 OR url <> ?2)
