typedef int cz_table_follows;
