-- Those that can be written: generated ones are made again by themselves.
SELECT group_concat('"' || replace(name, '"', '""') || '"') FROM pragma_table_info(?1, 'main')
