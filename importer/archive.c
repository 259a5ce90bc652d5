#include "importer/archive.h"
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>
#include <zip.h>

enum { MAX_MEMBERS = 65535, BUDGET_BYTES = 64 << 20, BUDGET_FACTOR = 16 };

static cz_status zip_failed(zip_error_t *why, cz_error *err)
{
    cz_status code = zip_error_code_zip(why) == ZIP_ER_MEMORY ? CZ_ERR_MEMORY : CZ_ERR_FORMAT;
    cz_error_set(err, code, "not a sound zip archive (%s); get it again", zip_error_strerror(why));
    zip_error_fini(why);
    return code;
}

static cz_status open_zip(const struct cz_file_map *map, struct zip **out, cz_error *err)
{
    zip_error_t why;
    zip_error_init(&why);
    zip_source_t *source = zip_source_buffer_create(map->data, map->size, 0, &why);
    if (!source)
        return zip_failed(&why, err);
    *out = zip_open_from_source(source, ZIP_RDONLY | ZIP_CHECKCONS, &why);
    if (*out)
        return CZ_OK;
    zip_source_free(source);
    return zip_failed(&why, err);
}

static int is_safe_name(const char *name)
{
    if (name[0] == '/' || name[0] == '\0' || strchr(name, '\\'))
        return 0;
    for (const char *p = name; p; p = strchr(p, '/') ? strchr(p, '/') + 1 : NULL)
        if (strncmp(p, "..", 2) == 0 && (p[2] == '/' || p[2] == '\0'))
            return 0;
    return 1;
}

static cz_status index_members(struct archive *a, cz_error *err)
{
    zip_int64_t n = zip_get_num_entries(a->zip, 0);
    if (n > MAX_MEMBERS)
        CZ_FAIL(err, CZ_ERR_UNSUPPORTED, "an archive of %lld members; at most %d are read", (long long)n,
                MAX_MEMBERS);
    for (int i = 0; i < (int)n; i++) {
        const char *name = archive_name(a, i);
        if (!name || !is_safe_name(name))
            CZ_FAIL(err, CZ_ERR_FORMAT, "a member is called '%s'; no weight file has such names",
                    name ? name : "");
        if (cz_strmap_get(&a->index, name) >= 0)
            CZ_FAIL(err, CZ_ERR_FORMAT, "member '%s': there twice", name);
        if (cz_strmap_set(&a->index, name, i))
            CZ_FAIL(err, CZ_ERR_MEMORY, "out of memory listing the archive");
    }
    return CZ_OK;
}

cz_status archive_open(const struct cz_file_map *map, struct archive *a, cz_error *err)
{
    *a = (struct archive){NULL, {0}, map->size};
    if (__builtin_mul_overflow(map->size, (size_t)BUDGET_FACTOR, &a->budget) ||
        __builtin_add_overflow(a->budget, (size_t)BUDGET_BYTES, &a->budget))
        a->budget = SIZE_MAX;
    CZ_TRY(open_zip(map, &a->zip, err));
    cz_status status = index_members(a, err);
    if (status != CZ_OK)
        archive_close(a);
    return status;
}

void archive_close(struct archive *a)
{
    if (a->zip)
        zip_discard(a->zip);
    cz_strmap_deinit(&a->index);
    a->zip = NULL;
}

int archive_count(const struct archive *a)
{
    return (int)zip_get_num_entries(a->zip, 0);
}

const char *archive_name(const struct archive *a, int member)
{
    return zip_get_name(a->zip, (zip_uint64_t)member, ZIP_FL_ENC_RAW);
}

int archive_find(const struct archive *a, const char *name)
{
    return cz_strmap_get(&a->index, name);
}

static cz_status check_member(struct archive *a, int member, zip_stat_t *st, cz_error *err)
{
    const char *name = archive_name(a, member);
    const zip_uint64_t wanted = ZIP_STAT_SIZE | ZIP_STAT_COMP_METHOD | ZIP_STAT_ENCRYPTION_METHOD;
    if (zip_stat_index(a->zip, (zip_uint64_t)member, 0, st) != 0 || (st->valid & wanted) != wanted)
        CZ_FAIL(err, CZ_ERR_FORMAT, "member '%s': %s", name, zip_strerror(a->zip));
    if (st->encryption_method != ZIP_EM_NONE)
        CZ_FAIL(err, CZ_ERR_UNSUPPORTED, "member '%s': is encrypted; unpack it and pack it again without",
                name);
    if (st->comp_method != ZIP_CM_STORE && st->comp_method != ZIP_CM_DEFLATE)
        CZ_FAIL(err, CZ_ERR_UNSUPPORTED, "member '%s': compression method %d; stored and deflated are read",
                name, st->comp_method);
    if (st->size > a->budget)
        CZ_FAIL(
            err, CZ_ERR_UNSUPPORTED,
            "member '%s': unpacks to %llu bytes, out of proportion to the file; pack it without compression",
            name, (unsigned long long)st->size);
    a->budget -= st->size;
    return CZ_OK;
}

/* Reading to the end, one byte further, makes libzip compare the checksum. */
static cz_status read_all(struct archive *a, int member, unsigned char *data, size_t size, cz_error *err)
{
    unsigned char more;
    zip_file_t *file = zip_fopen_index(a->zip, (zip_uint64_t)member, 0);
    if (!file)
        CZ_FAIL(err, CZ_ERR_FORMAT, "member '%s': %s", archive_name(a, member), zip_strerror(a->zip));
    size_t have = 0;
    zip_int64_t n = 1;
    while (have < size && (n = zip_fread(file, data + have, size - have)) > 0)
        have += (size_t)n;
    if (have == size)
        n = zip_fread(file, &more, 1);
    cz_status status = CZ_OK;
    if (n != 0 || have != size)
        status =
            cz_error_set(err, CZ_ERR_FORMAT, "member '%s': %s; get the file again", archive_name(a, member),
                         n < 0 ? zip_file_strerror(file) : "not as long as its entry says");
    zip_fclose(file);
    return status;
}

cz_status archive_read(struct archive *a, int member, unsigned char **data, size_t *size, cz_error *err)
{
    zip_stat_t st;
    zip_stat_init(&st);
    CZ_TRY(check_member(a, member, &st, err));
    unsigned char *block = cz_alloc_aligned(st.size ? (size_t)st.size : 1);
    if (!block)
        CZ_FAIL(err, CZ_ERR_MEMORY, "member '%s': no memory for %llu bytes", archive_name(a, member),
                (unsigned long long)st.size);
    cz_status status = read_all(a, member, block, (size_t)st.size, err);
    if (status != CZ_OK) {
        free(block);
        return status;
    }
    *data = block;
    *size = (size_t)st.size;
    return CZ_OK;
}
