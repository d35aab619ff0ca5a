-- Transactions that hold a snapshot now, as CREATE INDEX CONCURRENTLY finds them: only they could see part
-- of a year whose rows are already committed.
SELECT l.virtualtransaction, l.pid, coalesce(a.usename, '?'), coalesce(a.application_name, '')
FROM pg_stat_activity a
JOIN pg_locks l ON l.pid = a.pid AND l.locktype = 'virtualxid' AND l.granted
WHERE a.datname = current_database() AND a.backend_xmin IS NOT NULL AND a.pid <> pg_backend_pid()
  AND a.backend_type IS DISTINCT FROM 'autovacuum worker'
