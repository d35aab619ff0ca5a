-- Where live keeps dvf, and its own search_path, as a statement for staging ($1): so that dvf lies in the same schema. Each name is
-- quoted anew: SET ... FROM CURRENT keeps whatever text there was.
SELECT coalesce((SELECT quote_ident(n.nspname::text) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                 WHERE c.oid = to_regclass('dvf')), quote_ident(current_schema()::text), ''),
       coalesce((SELECT pg_catalog.format('ALTER DATABASE %I SET search_path TO %s', $1::text,
                        (SELECT string_agg(quote_literal(CASE WHEN m.part[1] LIKE '"%'
                                                              THEN replace(substr(m.part[1], 2, length(m.part[1]) - 2), '""', '"')
                                                              ELSE m.part[1] END), ', ' ORDER BY m.place)
                         FROM regexp_matches(substr(s.setting, length('search_path=') + 1), '("(?:[^"]|"")*"|[^,[:space:]]+)', 'g')
                              WITH ORDINALITY m (part, place)))
                 FROM pg_db_role_setting r, unnest(r.setconfig) AS s(setting)
                 WHERE r.setrole = 0 AND s.setting LIKE 'search_path=%'
                   AND r.setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database())), '')
