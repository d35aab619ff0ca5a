-- What would keep a year's table from being replaced: (what, remedy). Year 0: any, as far as can be told.
SELECT format('%s exists and is not the partitioned table this importer makes', :'dvf'),
       'rename it (ALTER TABLE or ALTER VIEW ... RENAME TO ...), or load into another database'
FROM pg_class c
WHERE c.oid = :'dvf'::regclass
  AND (c.relkind <> 'p' OR replace(pg_get_partkeydef(c.oid), '"', '') <> 'LIST (source_year)'
       OR (SELECT count(*) FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
             AND a.attname = ANY (string_to_array(:'columns', ' '))) <> cardinality(string_to_array(:'columns', ' ')))
UNION ALL
SELECT format('%s belongs to %s', :'dvf', pg_get_userbyid(c.relowner)),
       format('run as that role, or ALTER TABLE %s OWNER TO %I', :'dvf', current_user)
FROM pg_class c WHERE c.oid = :'dvf'::regclass AND NOT pg_has_role(c.relowner, 'USAGE')
UNION ALL
SELECT format('%s has a default partition, %s', :'dvf', i.inhrelid::regclass),
       format('ALTER TABLE %s DETACH PARTITION %s', :'dvf', i.inhrelid::regclass)
FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
WHERE i.inhparent = :'dvf'::regclass AND pg_get_expr(c.relpartbound, c.oid) = 'DEFAULT'
UNION ALL
SELECT format('column %I of %s was added as NOT NULL without a default', a.attname, :'dvf'),
       format('ALTER TABLE %s ALTER COLUMN %I DROP NOT NULL, or give it a default', :'dvf', a.attname)
FROM pg_attribute a
WHERE a.attrelid = :'dvf'::regclass AND a.attnum > 0 AND NOT a.attisdropped AND a.attnotnull AND NOT a.atthasdef
  AND a.attidentity = '' AND a.attname <> ALL (string_to_array(:'columns', ' '))
UNION ALL
-- PostgreSQL 17 made it one of all partitions, and attaches no table that has one of its own.
SELECT format('column %I of %s is an identity column, which no table may have that PostgreSQL 17 or newer attaches', a.attname, :'dvf'),
       format('give it a default instead: ALTER TABLE %1$s ALTER COLUMN %2$I DROP IDENTITY; CREATE SEQUENCE %3$s.%4$I START %5$s; '
              'ALTER TABLE %1$s ALTER COLUMN %2$I SET DEFAULT nextval(%6$L)',
              :'dvf', a.attname, c.relnamespace::regnamespace, 'dvf_' || a.attname,
              coalesce(pg_sequence_last_value(pg_get_serial_sequence(:'dvf', a.attname)::regclass), 0) + 1,
              format('%s.%I', c.relnamespace::regnamespace, 'dvf_' || a.attname))
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
WHERE a.attrelid = :'dvf'::regclass AND a.attnum > 0 AND NOT a.attisdropped AND a.attidentity <> ''
  AND current_setting('server_version_num')::integer >= 170000
UNION ALL
SELECT DISTINCT format('%s %s is built on %s, the table of one year',
              CASE v.relkind WHEN 'm' THEN 'materialized view' ELSE 'view' END, v.oid::regclass, i.inhrelid::regclass),
       format('build it on %s with a condition on source_year instead', :'dvf')
FROM pg_inherits i
JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = i.inhrelid AND d.classid = 'pg_rewrite'::regclass
JOIN pg_rewrite r ON r.oid = d.objid JOIN pg_class v ON v.oid = r.ev_class
WHERE i.inhparent = :'dvf'::regclass AND v.oid <> i.inhrelid
UNION ALL
-- One to dvf itself has a constraint for each of its partitions; only the one on top can be dropped.
SELECT format('foreign key %I of %s refers to %s, %s', k.conname, k.conrelid::regclass, k.confrelid::regclass,
              CASE WHEN k.confrelid IN (SELECT inhrelid FROM pg_inherits WHERE inhparent = :'dvf'::regclass)
                   THEN 'the table of one year' ELSE 'whose rows are replaced with their year' END),
       format('ALTER TABLE %s DROP CONSTRAINT %I', k.conrelid::regclass, k.conname)
FROM (WITH RECURSIVE climb (oid, parent) AS (
          SELECT k.oid, k.conparentid
          FROM pg_inherits i JOIN pg_constraint k ON k.contype = 'f' AND k.confrelid = i.inhrelid
          WHERE i.inhparent = :'dvf'::regclass
          UNION
          SELECT k.oid, k.conparentid FROM climb c JOIN pg_constraint k ON k.oid = c.parent)
      SELECT oid FROM climb WHERE parent = 0) top
JOIN pg_constraint k ON k.oid = top.oid
UNION ALL
SELECT format('%s holds %s but was not made by this importer', c.oid::regclass,
              CASE WHEN :year = 0 THEN 'several years' ELSE 'year ' || :year END),
       format('ALTER TABLE %s DETACH PARTITION %s', :'dvf', c.oid::regclass)
FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
WHERE i.inhparent = :'dvf'::regclass AND c.relname !~ '^dvf_[0-9]{4}_[0-9a-f]{12}$'
  AND (pg_get_expr(c.relpartbound, c.oid) ~ ('(^|[^0-9])' || :year || '([^0-9]|$)')
       OR (:year = 0 AND pg_get_expr(c.relpartbound, c.oid) LIKE '%,%'))
UNION ALL
SELECT DISTINCT format('function %s is built on %s, the table of one year', d.objid::regprocedure, i.inhrelid::regclass),
       format('build it on %s with a condition on source_year instead', :'dvf')
FROM pg_inherits i
JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = i.inhrelid AND d.classid = 'pg_proc'::regclass
WHERE i.inhparent = :'dvf'::regclass
UNION ALL
SELECT format('%s holds several years', c.oid::regclass),
       format('ALTER TABLE %s DETACH PARTITION %s', :'dvf', c.oid::regclass)
FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
WHERE i.inhparent = :'dvf'::regclass AND c.relname ~ '^dvf_[0-9]{4}_[0-9a-f]{12}$'
  AND (:year = 0 OR pg_get_expr(c.relpartbound, c.oid) ~ ('(^|[^0-9])' || :year || '([^0-9]|$)'))
  AND pg_get_expr(c.relpartbound, c.oid) LIKE '%,%'
