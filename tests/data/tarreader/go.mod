module tarreader

go 1.21
