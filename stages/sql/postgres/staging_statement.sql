-- The statement that makes a staging database like live ($1), by the words that this version of the server has; live's encoding.
SELECT format('CREATE DATABASE %I TEMPLATE template0 ENCODING %L LC_COLLATE %L LC_CTYPE %L',
              $2::text, pg_encoding_to_char(d.encoding), d.datcollate, d.datctype)
       || CASE w.words ->> 'datlocprovider'
              WHEN 'i' THEN format(' LOCALE_PROVIDER icu ICU_LOCALE %L',
                                   coalesce(w.words ->> 'datlocale', w.words ->> 'daticulocale'))
                            || coalesce(' ICU_RULES ' || quote_literal(w.words ->> 'daticurules'), '')
              WHEN 'b' THEN format(' LOCALE_PROVIDER builtin BUILTIN_LOCALE %L', w.words ->> 'datlocale')
              WHEN 'c' THEN ' LOCALE_PROVIDER libc'
              ELSE '' END
       || CASE WHEN pg_has_role(d.datdba, CASE WHEN current_setting('server_version_num')::integer >= 160000 THEN 'SET' ELSE 'MEMBER' END)
               THEN format(' OWNER %I', pg_get_userbyid(d.datdba)) ELSE '' END,
       pg_encoding_to_char(d.encoding)
FROM pg_database d, LATERAL (SELECT to_jsonb(d) AS words) w
WHERE d.datname = $1
