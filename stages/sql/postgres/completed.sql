-- Chunks that touch, seen as one.
SELECT min(plain_first), max(plain_end), min(first_record), sum(rows), sum(rejects)
FROM (SELECT c.*, sum(starts) OVER (ORDER BY plain_first) AS island
      FROM (SELECT w.*, CASE WHEN plain_first = lag(plain_end) OVER (ORDER BY plain_first)
                              AND first_record = lag(first_record + rows + rejects) OVER (ORDER BY plain_first)
                             THEN 0 ELSE 1 END AS starts
            FROM dvf_import.chunk w WHERE edition = :'edition') c) i
GROUP BY island
ORDER BY 1
