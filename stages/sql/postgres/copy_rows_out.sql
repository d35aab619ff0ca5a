COPY (SELECT :columns FROM :dvf WHERE source_year = :year) TO STDOUT (FORMAT binary)
