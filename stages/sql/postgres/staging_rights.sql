-- (what, remedy), where the role may not make the staging database; $1 is the statement that would.
SELECT format('the role %I may not make databases, and there is no staging one yet', current_user),
       format('ALTER ROLE %I CREATEDB, or have it made: %s%s', current_user, $1::text,
              CASE WHEN $1 ~ ' OWNER ("[^"]*"|[a-z0-9_]+)+$' THEN '' ELSE format(' OWNER %I', current_user) END)
FROM pg_roles WHERE rolname = current_user AND NOT rolcreatedb AND NOT rolsuper
