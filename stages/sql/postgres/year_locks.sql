-- What a publish alters or drops in our schema, as statements that lock it: the witness, which loses one of its
-- tables, and the tables of the year. They are locked before dvf: who has one and wants dvf (pg_dump) keeps us
-- from dvf, and is not kept from it by us.
SELECT format('LOCK TABLE ONLY dvf_import.%I IN ACCESS EXCLUSIVE MODE', relname)
FROM pg_class
WHERE relnamespace = 'dvf_import'::regnamespace
  AND (relname = 'chunk' AND relkind = 'p'
       OR relkind = 'r' AND (starts_with(relname, 'dvf_' || :year || '_')
                             OR starts_with(relname, 'chunk_' || :year || '_')))
ORDER BY oid
