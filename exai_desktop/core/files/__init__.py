"""Files on this computer: names, paths, checks, scans."""
