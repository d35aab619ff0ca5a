-- Whether something was made by just this statement: one damaged letter in it, and ours may never work again.
SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE rtrim(sql, char(10)) = rtrim(?1, char(10)))
