-- Memory to sort in. One builder alone keeps the server's own setting where that is more; of several each has its share,
-- whatever the server's is, and no workers of the server's beside it.
SELECT set_config('maintenance_work_mem', :'mib' || 'MB', true)
WHERE NOT :'alone'::boolean
   OR pg_size_bytes(current_setting('maintenance_work_mem')) < pg_size_bytes(:'mib' || 'MB');
SELECT set_config('max_parallel_maintenance_workers', '0', true) WHERE NOT :'alone'::boolean
