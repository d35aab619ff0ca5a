-- What is in a database besides dvf ($1; '' when there is none of ours), its years, our views, our schema and what extensions brought:
-- (catalogue, oid, type, identity, kind, statement, its owner when we are no member of that role, definition, the statement that drops it).
-- Kinds: r relation, l large object, f function or procedure, o anything else, a part of a relation (not told by itself), d made on dvf
-- (with the statements that make it again and drop it), c column of dvf. The definition tells two of one name apart; '' where that would
-- cost too much, and of schemas, extensions and languages the name is all.
WITH ours AS (SELECT relid AS oid FROM pg_partition_tree(to_regclass(nullif($1, '')))),
top AS (SELECT c.oid, c.relname, format('%I.%I', n.nspname, c.relname) AS name
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = to_regclass(nullif($1, ''))),
-- Where one of the two names is somebody's own, ours beside it is carried with it: no run makes it again there.
views AS (SELECT c.oid, c.relkind = 'v' AND coalesce(obj_description(c.oid, 'pg_class'), '') LIKE '%made by dvf-import%' AS made
          FROM pg_class c WHERE c.relname IN ('dvf_sale', 'dvf_price_m2')
            AND c.relnamespace IN (SELECT relnamespace FROM pg_class WHERE oid IN (SELECT oid FROM top))),
listed (classid, objid, namespace, kind) AS (
    SELECT 'pg_class'::regclass::oid, c.oid, c.relnamespace,
           CASE WHEN c.relkind = 'S' AND EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid
                                                  AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i'))
                THEN 'a' ELSE 'r' END
    FROM pg_class c WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND c.oid NOT IN (SELECT oid FROM ours)
      AND c.oid NOT IN (SELECT oid FROM views WHERE made AND NOT EXISTS (SELECT FROM views WHERE NOT made))
    UNION ALL SELECT 'pg_type'::regclass, t.oid, t.typnamespace, 'o' FROM pg_type t
        WHERE t.typtype <> 'p' AND (t.typrelid = 0 OR (SELECT relkind FROM pg_class WHERE oid = t.typrelid) = 'c')
    UNION ALL SELECT 'pg_proc'::regclass, oid, pronamespace, CASE prokind WHEN 'a' THEN 'o' ELSE 'f' END FROM pg_proc
    UNION ALL SELECT 'pg_operator'::regclass, oid, oprnamespace, 'o' FROM pg_operator
    UNION ALL SELECT 'pg_opclass'::regclass, oid, opcnamespace, 'o' FROM pg_opclass
    UNION ALL SELECT 'pg_opfamily'::regclass, oid, opfnamespace, 'o' FROM pg_opfamily
    UNION ALL SELECT 'pg_collation'::regclass, oid, collnamespace, 'o' FROM pg_collation
    UNION ALL SELECT 'pg_conversion'::regclass, oid, connamespace, 'o' FROM pg_conversion
    UNION ALL SELECT 'pg_ts_config'::regclass, oid, cfgnamespace, 'o' FROM pg_ts_config
    UNION ALL SELECT 'pg_ts_dict'::regclass, oid, dictnamespace, 'o' FROM pg_ts_dict
    UNION ALL SELECT 'pg_ts_parser'::regclass, oid, prsnamespace, 'o' FROM pg_ts_parser
    UNION ALL SELECT 'pg_ts_template'::regclass, oid, tmplnamespace, 'o' FROM pg_ts_template
    UNION ALL SELECT 'pg_statistic_ext'::regclass, oid, stxnamespace, CASE WHEN stxrelid IN (SELECT oid FROM top) THEN 'd' ELSE 'a' END
        FROM pg_statistic_ext
    UNION ALL SELECT 'pg_namespace'::regclass, oid, oid, 'o' FROM pg_namespace
    UNION ALL SELECT 'pg_extension'::regclass, oid, 0, 'o' FROM pg_extension
    UNION ALL SELECT 'pg_language'::regclass, oid, 0, 'o' FROM pg_language
    UNION ALL SELECT 'pg_cast'::regclass, oid, 0, 'o' FROM pg_cast
    UNION ALL SELECT 'pg_transform'::regclass, oid, 0, 'o' FROM pg_transform
    UNION ALL SELECT 'pg_am'::regclass, oid, 0, 'o' FROM pg_am
    UNION ALL SELECT 'pg_foreign_data_wrapper'::regclass, oid, 0, 'o' FROM pg_foreign_data_wrapper
    UNION ALL SELECT 'pg_foreign_server'::regclass, oid, 0, 'o' FROM pg_foreign_server
    UNION ALL SELECT 'pg_user_mapping'::regclass, umid, 0, 'o' FROM pg_user_mappings
    UNION ALL SELECT 'pg_event_trigger'::regclass, oid, 0, 'o' FROM pg_event_trigger
    UNION ALL SELECT 'pg_largeobject'::regclass, oid, 0, 'l' FROM pg_largeobject_metadata
    UNION ALL SELECT 'pg_trigger'::regclass, oid, 0, 'd' FROM pg_trigger
        WHERE tgrelid IN (SELECT oid FROM top) AND NOT tgisinternal
    UNION ALL SELECT 'pg_policy'::regclass, oid, 0, 'd' FROM pg_policy WHERE polrelid IN (SELECT oid FROM top)
    UNION ALL SELECT 'pg_rewrite'::regclass, oid, 0, 'd' FROM pg_rewrite WHERE ev_class IN (SELECT oid FROM top)
    UNION ALL SELECT 'pg_constraint'::regclass, oid, 0, 'd' FROM pg_constraint
        WHERE conrelid IN (SELECT oid FROM top) AND contype IN ('c', 'f', 'p', 'u', 'x')),
foreigners AS (
    SELECT l.classid, l.objid, i.type, i.identity, l.kind
    FROM listed l LEFT JOIN pg_namespace n ON n.oid = l.namespace, pg_identify_object(l.classid, l.objid, 0) i
    WHERE i.identity IS NOT NULL  -- dropped meanwhile
      AND (l.objid >= 16384 OR l.classid IN ('pg_namespace'::regclass, 'pg_extension'::regclass, 'pg_language'::regclass))
      AND (n.oid IS NULL OR (n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'dvf_import')))
      AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = l.classid AND d.objid = l.objid AND d.objsubid = 0
                        AND (d.deptype = 'e' OR (d.deptype = 'i' AND l.kind <> 'a')))),
described AS (
SELECT classid, objid, type, identity, kind,
       CASE WHEN kind <> 'd' THEN ''
            WHEN classid = 'pg_trigger'::regclass
            THEN (SELECT pg_get_triggerdef(g.oid)
                         || CASE g.tgenabled WHEN 'O' THEN ''
                            ELSE format('; ALTER TABLE %s %s TRIGGER %I', t.name,
                                        CASE g.tgenabled WHEN 'D' THEN 'DISABLE' WHEN 'A' THEN 'ENABLE ALWAYS' ELSE 'ENABLE REPLICA' END,
                                        g.tgname) END
                  FROM pg_trigger g, top t WHERE g.oid = objid)
            WHEN classid = 'pg_rewrite'::regclass THEN pg_get_ruledef(objid)
            WHEN classid = 'pg_statistic_ext'::regclass THEN pg_get_statisticsobjdef(objid)
            WHEN classid = 'pg_constraint'::regclass
            THEN (SELECT format('ALTER TABLE %s ADD CONSTRAINT %I %s', t.name, k.conname, pg_get_constraintdef(k.oid))
                  FROM pg_constraint k, top t WHERE k.oid = objid)
            WHEN classid = 'pg_policy'::regclass
            THEN (SELECT format('CREATE POLICY %I ON %s AS %s FOR %s TO %s', p.polname, t.name,
                                CASE WHEN p.polpermissive THEN 'PERMISSIVE' ELSE 'RESTRICTIVE' END,
                                CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE'
                                              WHEN 'd' THEN 'DELETE' ELSE 'ALL' END,
                                (SELECT string_agg(CASE r WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(r)) END, ', ')
                                 FROM unnest(p.polroles) r))
                         || coalesce(' USING (' || pg_get_expr(p.polqual, p.polrelid) || ')', '')
                         || coalesce(' WITH CHECK (' || pg_get_expr(p.polwithcheck, p.polrelid) || ')', '')
                  FROM pg_policy p, top t WHERE p.oid = objid)
       END AS statement,
       CASE WHEN kind NOT IN ('d', 'c') AND classid NOT IN ('pg_cast'::regclass, 'pg_transform'::regclass, 'pg_am'::regclass,
                                                            'pg_user_mapping'::regclass)
            THEN (SELECT CASE WHEN pg_has_role(o.owner, CASE WHEN current_setting('server_version_num')::integer >= 160000 THEN 'SET' ELSE 'MEMBER' END)
                              THEN '' ELSE pg_get_userbyid(o.owner)::text END
                  FROM (SELECT coalesce((SELECT refobjid FROM pg_shdepend s
                                         WHERE s.dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
                                           AND s.classid = foreigners.classid AND s.objid = foreigners.objid
                                           AND s.deptype = 'o'), 10) AS owner) o)
            ELSE '' END AS owner
FROM foreigners)
SELECT d.*,
       CASE WHEN d.kind = 'f' THEN md5(pg_get_functiondef(d.objid))
            WHEN d.kind = 'd' THEN md5(d.statement)
            WHEN d.classid IN ('pg_namespace'::regclass, 'pg_extension'::regclass, 'pg_language'::regclass) THEN 'its name'
            WHEN d.classid = 'pg_type'::regclass
            THEN (SELECT CASE t.typtype
                         WHEN 'e' THEN md5((SELECT array_agg(e.enumlabel ORDER BY e.enumsortorder)::text FROM pg_enum e WHERE e.enumtypid = t.oid))
                         WHEN 'd' THEN md5(concat_ws(' ', format_type(t.typbasetype, t.typtypmod), t.typnotnull, t.typdefault,
                                                     (SELECT string_agg(format('%I %s', k.conname, pg_get_constraintdef(k.oid)), ' ' ORDER BY k.conname)
                                                      FROM pg_constraint k WHERE k.contypid = t.oid)))
                         WHEN 'c' THEN md5((SELECT string_agg(format('%I %s', a.attname, format_type(a.atttypid, a.atttypmod)), ', ' ORDER BY a.attnum)
                                            FROM pg_attribute a WHERE a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped)) END
                  FROM pg_type t WHERE t.oid = d.objid)
       END,
       CASE d.classid
            WHEN 'pg_trigger'::regclass THEN (SELECT format('DROP TRIGGER %I ON %s', g.tgname, t.name) FROM pg_trigger g, top t WHERE g.oid = d.objid)
            WHEN 'pg_policy'::regclass THEN (SELECT format('DROP POLICY %I ON %s', p.polname, t.name) FROM pg_policy p, top t WHERE p.oid = d.objid)
            WHEN 'pg_rewrite'::regclass THEN (SELECT format('DROP RULE %I ON %s', r.rulename, t.name) FROM pg_rewrite r, top t WHERE r.oid = d.objid)
            WHEN 'pg_constraint'::regclass
            THEN (SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', t.name, k.conname) FROM pg_constraint k, top t WHERE k.oid = d.objid)
            WHEN 'pg_statistic_ext'::regclass THEN 'DROP STATISTICS ' || d.identity
       END
FROM described d
UNION ALL
SELECT 'pg_class'::regclass, i.indexrelid, 'index',
       format('on %s: %s%s', t.name, CASE WHEN i.indisunique THEN 'unique ' ELSE '' END,
              substring(pg_get_indexdef(i.indexrelid) FROM ' USING (.*)$')),
       'd', regexp_replace(pg_get_indexdef(i.indexrelid), ' ON ONLY ', ' ON '), '', '', ''
FROM pg_index i JOIN top t ON t.oid = i.indrelid
WHERE NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.indexrelid AND k.conrelid = i.indrelid)
UNION ALL
SELECT 'pg_class'::regclass, t.oid, 'row level security', w.words || ' on ' || t.name, 'd',
       format('ALTER TABLE %s %s ROW LEVEL SECURITY', t.name, w.words), '', '', ''
FROM top t JOIN pg_class c ON c.oid = t.oid, (VALUES ('ENABLE'), ('FORCE')) w (words)
WHERE CASE w.words WHEN 'ENABLE' THEN c.relrowsecurity ELSE c.relforcerowsecurity END
UNION ALL
SELECT 'pg_class'::regclass, t.oid, 'column', format('%I %s of %s', a.attname, format_type(a.atttypid, a.atttypmod), t.name), 'c', '', '', '', ''
FROM top t JOIN pg_attribute a ON a.attrelid = t.oid WHERE a.attnum > 0 AND NOT a.attisdropped
ORDER BY 3, 4
LIMIT 20001
