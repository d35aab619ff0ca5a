CREATE INDEX ON :dvf USING :method (:columns)
