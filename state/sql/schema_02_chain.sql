INSERT INTO meta (name, value) VALUES ('chain', lower(hex(randomblob(16))))
