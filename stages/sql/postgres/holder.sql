SELECT holder FROM dvf_import.destination
