-- Who has taken the destination over.
SELECT token, holder, uuid FROM dvf_import.destination
