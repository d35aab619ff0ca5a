COPY dvf_import.:"incoming" (:columns) FROM STDIN (FORMAT binary)
