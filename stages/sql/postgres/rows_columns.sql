-- What a table's columns are now.
SELECT attname, format_type(atttypid, atttypmod)
FROM pg_attribute
WHERE attrelid = :'dvf'::regclass AND attnum > 0 AND NOT attisdropped
