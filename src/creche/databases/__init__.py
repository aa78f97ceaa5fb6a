"""Reading rows from databases and writing rows to them."""
