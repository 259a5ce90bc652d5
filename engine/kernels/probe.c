typedef int cz_probe_follows;
