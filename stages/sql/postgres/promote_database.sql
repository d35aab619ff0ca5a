-- Statements that make the database $2 what $1 is: owner, rights, settings, connection limit, comment. None: it is already.
WITH live AS (SELECT * FROM pg_database WHERE datname = $1), other AS (SELECT * FROM pg_database WHERE datname = $2),
want AS (SELECT a.* FROM live, aclexplode(coalesce(datacl, acldefault('d', datdba))) a WHERE a.grantee <> datdba),
have AS (SELECT a.* FROM other, aclexplode(coalesce(datacl, acldefault('d', datdba))) a WHERE a.grantee <> datdba),
live_set AS (SELECT s.setrole, split_part(c.entry, '=', 1) AS name, substr(c.entry, strpos(c.entry, '=') + 1) AS value
             FROM live JOIN pg_db_role_setting s ON s.setdatabase = live.oid, unnest(s.setconfig) c (entry)),
other_set AS (SELECT s.setrole, split_part(c.entry, '=', 1) AS name, substr(c.entry, strpos(c.entry, '=') + 1) AS value
              FROM other JOIN pg_db_role_setting s ON s.setdatabase = other.oid, unnest(s.setconfig) c (entry)),
changes AS (
SELECT 1 AS place, format('ALTER DATABASE %I OWNER TO %I', $2, pg_get_userbyid(live.datdba)) AS statement
FROM live, other WHERE live.datdba <> other.datdba
UNION ALL
SELECT 2, format('REVOKE %s ON DATABASE %I FROM %s', h.privilege_type, $2,
                 CASE h.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(h.grantee)) END)
FROM have h WHERE NOT EXISTS (SELECT FROM want w WHERE (w.grantee, w.privilege_type, w.is_grantable)
                                                     = (h.grantee, h.privilege_type, h.is_grantable))
  AND h.grantee <> (SELECT datdba FROM live)
UNION ALL
SELECT 3, format('GRANT %s ON DATABASE %I TO %s%s', w.privilege_type, $2,
                 CASE w.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(w.grantee)) END,
                 CASE WHEN w.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
FROM want w WHERE NOT EXISTS (SELECT FROM have h WHERE (w.grantee, w.privilege_type, w.is_grantable)
                                                     = (h.grantee, h.privilege_type, h.is_grantable))
UNION ALL
SELECT 4, format('ALTER %s %I RESET %I',
                 CASE o.setrole WHEN 0 THEN 'DATABASE' ELSE format('ROLE %I IN DATABASE', pg_get_userbyid(o.setrole)) END, $2, o.name)
FROM other_set o WHERE NOT EXISTS (SELECT FROM live_set l WHERE (l.setrole, l.name) = (o.setrole, o.name))
UNION ALL
SELECT 5, format('ALTER %s %I SET %I TO %s',
                 CASE l.setrole WHEN 0 THEN 'DATABASE' ELSE format('ROLE %I IN DATABASE', pg_get_userbyid(l.setrole)) END, $2, l.name,
                 CASE WHEN l.name IN ('search_path', 'temp_tablespaces', 'local_preload_libraries', 'session_preload_libraries')
                      THEN (SELECT string_agg(quote_literal(CASE WHEN m.part[1] LIKE '"%'
                                                                 THEN replace(substr(m.part[1], 2, length(m.part[1]) - 2), '""', '"')
                                                                 ELSE m.part[1] END), ', ' ORDER BY m.place)
                            FROM regexp_matches(l.value, '("(?:[^"]|"")*"|[^,[:space:]]+)', 'g') WITH ORDINALITY m (part, place))
                      ELSE quote_literal(l.value) END)
FROM live_set l WHERE NOT EXISTS (SELECT FROM other_set o WHERE (l.setrole, l.name, l.value) = (o.setrole, o.name, o.value))
UNION ALL
SELECT 6, format('ALTER DATABASE %I CONNECTION LIMIT %s', $2, live.datconnlimit)
FROM live, other WHERE live.datconnlimit <> other.datconnlimit
UNION ALL
SELECT 7, format('COMMENT ON DATABASE %I IS %L', $2, shobj_description(live.oid, 'pg_database'))
FROM live, other
WHERE shobj_description(live.oid, 'pg_database') IS DISTINCT FROM shobj_description(other.oid, 'pg_database'))
SELECT statement FROM changes WHERE statement IS NOT NULL ORDER BY place, statement
