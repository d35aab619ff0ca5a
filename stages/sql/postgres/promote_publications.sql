-- Publications of this database: (what, remedy).
SELECT format('publication %I is in database %I', pubname, current_database()),
       format('DROP PUBLICATION %I there, and make it again afterwards', pubname)
FROM pg_publication ORDER BY pubname
