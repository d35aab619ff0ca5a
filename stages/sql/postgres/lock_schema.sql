-- Two runs that both find nothing make it one after the other.
SELECT pg_advisory_xact_lock(hashtextextended('dvf_import', 0))
