CREATE VIEW dvf AS /* made by dvf-import, which makes it anew whenever a year is published */
:parts
