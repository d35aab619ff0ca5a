-- Of this file: without "main" an attached one would be searched too.
DROP TABLE IF EXISTS main.:"table"
