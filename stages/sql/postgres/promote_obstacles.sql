-- What is bound to databases by name or oid and would keep them from being renamed or dropped, or go astray: (what, remedy).
SELECT pg_catalog.format('prepared transaction %L of %s is open in database %I', p.gid, p.owner, p.database),
       pg_catalog.format('end it there with COMMIT PREPARED %L or ROLLBACK PREPARED %L', p.gid, p.gid)
FROM pg_prepared_xacts p WHERE p.database = ANY (ARRAY[$1, $2, $3]::name[])
UNION ALL
SELECT pg_catalog.format('replication slot %I is bound to database %I', s.slot_name, s.database),
       pg_catalog.format('end what reads from it, then SELECT pg_drop_replication_slot(%L)', s.slot_name)
FROM pg_replication_slots s WHERE s.database = ANY (ARRAY[$1, $2, $3]::name[])
UNION ALL
SELECT pg_catalog.format('subscription %I brings changes into database %I', s.subname, d.datname),
       pg_catalog.format('DROP SUBSCRIPTION %I there, and make it again afterwards', s.subname)
FROM pg_subscription s JOIN pg_database d ON d.oid = s.subdbid WHERE d.datname = ANY (ARRAY[$1, $2, $3]::name[])
