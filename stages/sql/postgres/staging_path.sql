-- Where live keeps dvf, and its own search_path, as a statement for staging ($1): so that dvf lies in the same schema.
SELECT coalesce((SELECT quote_ident(n.nspname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                 WHERE c.oid = to_regclass('dvf')), quote_ident(current_schema()), ''),
       coalesce((SELECT format('ALTER DATABASE %I SET %s', $1::text, replace(s.setting, '=', ' TO '))
                 FROM pg_db_role_setting r, unnest(r.setconfig) AS s(setting)
                 WHERE r.setrole = 0 AND s.setting LIKE 'search_path=%'
                   AND r.setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database())), '')
