SELECT file, etag, last_modified, announced_size, durable
FROM part
WHERE year = ?1 AND url = ?2
