-- (what, remedy), where the role may not make the staging database.
SELECT format('the role %I may not make databases, and there is no staging one yet', current_user),
       format('ALTER ROLE %I CREATEDB, or make it: CREATE DATABASE ..._staging TEMPLATE template0 OWNER %I',
              current_user, current_user)
FROM pg_roles WHERE rolname = current_user AND NOT rolcreatedb AND NOT rolsuper
