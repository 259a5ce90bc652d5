/*
 * JPEG through libjpeg-turbo.
 *
 * The settings that change pixels are set, not left to defaults: slow-integer DCT, fancy upsampling, full
 * size. The library answers damage with warnings and goes on; we count them, and turn one kind into an error:
 * when the data of a scan ends before its last block (end of file or an early end marker), the rest of the
 * picture would be made up. A progressive file without end marker is an error too, since further scans may be
 * missing; a sequential one that has all its rows is accepted with a warning.
 *
 * Untrusted input: errors leave by longjmp; scans and memory are limited; a size that the file is too short
 * for is refused before anything is allocated.
 *
 * Source: ITU-T T.81 (B for markers, F and G for the least bits of a block), libjpeg.txt of
 * libjpeg-turbo 2.1.
 */
#include "data/exif.h"
#include "data/image_decode.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>

#include <jerror.h>

enum {
    MEMORY_BYTES_MAX =
        1 << 30, /* coefficients of a progressive file at the pixel limit: 100M * 4 * 2 bytes */
    BLOCK_PIXELS = 64,
};

struct decoder {
    struct jpeg_decompress_struct lib;
    struct jpeg_error_mgr errors;
    struct jpeg_source_mgr source;
    struct jpeg_progress_mgr progress;
    jmp_buf escape;
    const struct cz_bytes *in;
    struct cz_image *out;
    uint8_t *row; /* CMYK only */
    int n_warnings;
    int past_end; /* the library asked for bytes behind the last one */
    int cut_off;  /* a scan's data ended too early */
    int code;     /* libjpeg's message code of the error, -1: too many scans */
    char text[JMSG_LENGTH_MAX];
};

static struct decoder *decoder_of(j_common_ptr lib)
{
    return lib->client_data;
}

static void on_error(j_common_ptr lib)
{
    struct decoder *d = decoder_of(lib);
    d->code = lib->err->msg_code;
    lib->err->format_message(lib, d->text);
    longjmp(d->escape, 1);
}

static void leave(struct decoder *d)
{
    longjmp(d->escape, 1);
}

static void on_message(j_common_ptr lib, int level)
{
    struct decoder *d = decoder_of(lib);
    if (level >= 0) /* a trace, not a warning */
        return;
    d->n_warnings++;
    if (lib->err->msg_code != JWRN_HIT_MARKER)
        return;
    /* A restart marker may be met too early and found again; an end marker (real, or ours at the file's end)
     * not. */
    if (d->past_end || d->lib.unread_marker == JPEG_EOI) {
        d->cut_off = 1;
        leave(d);
    }
}

static void on_message_text(j_common_ptr lib)
{
    (void)lib; /* nothing is printed */
}

static void on_progress(j_common_ptr lib)
{
    struct decoder *d = decoder_of(lib);
    if (d->lib.input_scan_number > CZ_IMAGE_MAX_SCANS) {
        d->code = -1;
        leave(d);
    }
}

static void source_nothing(j_decompress_ptr lib)
{
    (void)lib;
}

/* The decoder reads ahead, so being here is no error yet: it gets an end marker, and we remember. */
static boolean source_fill(j_decompress_ptr lib)
{
    static const JOCTET end[2] = {0xFF, JPEG_EOI};
    decoder_of((j_common_ptr)lib)->past_end = 1;
    lib->src->next_input_byte = end;
    lib->src->bytes_in_buffer = sizeof end;
    return TRUE;
}

static void source_skip(j_decompress_ptr lib, long n)
{
    if (n <= 0)
        return;
    if ((size_t)n > lib->src->bytes_in_buffer) {
        source_fill(lib);
        return;
    }
    lib->src->next_input_byte += n;
    lib->src->bytes_in_buffer -= (size_t)n;
}

/* Byte of the file at which the decoder stands. */
static size_t position(const struct decoder *d)
{
    return d->past_end ? d->in->size : d->in->size - d->source.bytes_in_buffer;
}

/* Behind the next end marker from the decoder's position on (which lags by up to one MCU); 0: there is none.
 */
static size_t find_end_marker(const struct decoder *d)
{
    for (size_t at = position(d); at + 1 < d->in->size; at++)
        if (d->in->data[at] == 0xFF && d->in->data[at + 1] == JPEG_EOI)
            return at + 2;
    return 0;
}

/* After the last row. jpeg_finish_decompress would parse whatever follows, and fail on garbage behind a whole
 * picture. */
static int has_end_marker(struct decoder *d)
{
    if (d->past_end)
        return 0;
    return d->lib.unread_marker == JPEG_EOI || jpeg_input_complete(&d->lib) || find_end_marker(d) != 0;
}

static void attach(struct decoder *d)
{
    d->lib.err = jpeg_std_error(&d->errors);
    d->errors.error_exit = on_error;
    d->errors.emit_message = on_message;
    d->errors.output_message = on_message_text;
    d->lib.client_data = d;
    jpeg_create_decompress(&d->lib);
    d->lib.mem->max_memory_to_use = MEMORY_BYTES_MAX;
    d->progress.progress_monitor = on_progress;
    d->lib.progress = &d->progress;
    d->source = (struct jpeg_source_mgr){.next_input_byte = d->in->data,
                                         .bytes_in_buffer = d->in->size,
                                         .init_source = source_nothing,
                                         .fill_input_buffer = source_fill,
                                         .skip_input_data = source_skip,
                                         .resync_to_restart = jpeg_resync_to_restart,
                                         .term_source = source_nothing};
    d->lib.src = &d->source;
    jpeg_save_markers(&d->lib, JPEG_APP0 + 1, 0xFFFF);
}

static int orientation_of(const struct decoder *d)
{
    for (jpeg_saved_marker_ptr m = d->lib.marker_list; m; m = m->next)
        if (m->data_length >= 6 && memcmp(m->data, "Exif\0", 6) == 0)
            return cz_exif_orientation(m->data, m->data_length);
    return 1;
}

static cz_status choose_colours(struct decoder *d, cz_error *err)
{
    switch (d->lib.num_components) {
    case 1:
        d->lib.out_color_space = JCS_GRAYSCALE;
        return CZ_OK;
    case 3:
        d->lib.out_color_space = JCS_RGB;
        return CZ_OK;
    case 4:
        d->lib.out_color_space = JCS_CMYK;
        return CZ_OK;
    default:
        CZ_FAIL(err, CZ_ERR_UNSUPPORTED, "JPEG image of %d components; convert it to gray, RGB or CMYK",
                d->lib.num_components);
    }
}

/* a*b/255, rounded; exact for bytes. */
static unsigned scale_byte(unsigned a, unsigned b)
{
    unsigned t = a * b + 128;
    return ((t >> 8) + t) >> 8;
}

/* Ink to light as Pillow has it, without profiles: n = 255-K, channel = n - n*C/255. Adobe stores 255 - ink.
 */
static void cmyk_to_rgb(const uint8_t *from, int inverted, size_t n, uint8_t *to)
{
    const unsigned flip = inverted ? 255 : 0;
    for (size_t i = 0; i < n; i++, from += 4, to += 3) {
        unsigned light = 255 - (from[3] ^ flip);
        for (int c = 0; c < 3; c++)
            to[c] = (uint8_t)(light - scale_byte(from[c] ^ flip, light));
    }
}

static void read_rows(struct decoder *d)
{
    const size_t row_bytes = (size_t)d->out->width * (size_t)d->out->channels;
    while (d->lib.output_scanline < d->lib.output_height) {
        uint8_t *to = d->out->pixels + d->lib.output_scanline * row_bytes;
        JSAMPROW into = d->row ? d->row : to;
        if (jpeg_read_scanlines(&d->lib, &into, 1) == 1 && d->row)
            cmyk_to_rgb(d->row, d->lib.saw_Adobe_marker, (size_t)d->out->width, to);
    }
}

static cz_status make_room(struct decoder *d, cz_error *err)
{
    int channels = d->lib.num_components == 1 ? 1 : 3;
    CZ_TRY(cz_image_create((int)d->lib.image_height, (int)d->lib.image_width, channels, d->out, err));
    if (d->lib.num_components != 4)
        return CZ_OK;
    d->row = malloc((size_t)d->lib.image_width * 4);
    if (!d->row)
        CZ_FAIL(err, CZ_ERR_MEMORY, "out of memory decoding JPEG");
    return CZ_OK;
}

static cz_status decode(struct decoder *d, struct cz_image_info *info, cz_error *err)
{
    attach(d);
    jpeg_read_header(&d->lib, TRUE);
    /* Every block of the first component takes one bit or more: the code of its DC difference. */
    uint64_t n_pixels = (uint64_t)d->lib.image_height * d->lib.image_width;
    CZ_TRY(cz_decode_check_size(d->in, info, d->lib.image_height, d->lib.image_width,
                                n_pixels / BLOCK_PIXELS / 8, err));
    info->orientation = orientation_of(d);
    CZ_TRY(choose_colours(d, err));
    d->lib.dct_method = JDCT_ISLOW;
    d->lib.do_fancy_upsampling = TRUE;
    d->lib.do_block_smoothing = TRUE;
    CZ_TRY(make_room(d, err));
    jpeg_start_decompress(&d->lib);
    read_rows(d);
    if (d->past_end && (jpeg_has_multiple_scans(&d->lib) || d->lib.arith_code))
        return cz_decode_ends_at(d->in, info, d->in->size, 0, err);
    d->n_warnings += !has_end_marker(d);
    return CZ_OK;
}

/* What made libjpeg give up. */
static cz_status refuse(struct decoder *d, struct cz_image_info *info, cz_error *err)
{
    static const int unsupported[] = {JERR_SOF_UNSUPPORTED,     JERR_BAD_PRECISION,   JERR_ARITH_NOTIMPL,
                                      JERR_CONVERSION_NOTIMPL,  JERR_CCIR601_NOTIMPL, JERR_IMAGE_TOO_BIG,
                                      JERR_FRACT_SAMPLE_NOTIMPL};
    size_t end = find_end_marker(d);
    if (d->cut_off || d->past_end)
        return cz_decode_ends_at(d->in, info, end ? end : d->in->size, 0, err);
    size_t at = position(d);
    info->error_offset = (int64_t)at;
    if (d->code == -1)
        CZ_FAIL(err, CZ_ERR_UNSUPPORTED, "JPEG image has more than %d scans; save it anew",
                (int)CZ_IMAGE_MAX_SCANS);
    if (d->code == JERR_OUT_OF_MEMORY)
        CZ_FAIL(err, CZ_ERR_MEMORY, "out of memory decoding JPEG");
    if (d->code == JERR_NO_BACKING_STORE) /* the limit, a matter of this picture */
        CZ_FAIL(err, CZ_ERR_UNSUPPORTED,
                "JPEG of %d x %d pixels needs more than %d MiB to decode; save it anew", info->stored_height,
                info->stored_width, MEMORY_BYTES_MAX >> 20);
    for (size_t i = 0; i < sizeof unsupported / sizeof *unsupported; i++)
        if (d->code == unsupported[i])
            CZ_FAIL(err, CZ_ERR_UNSUPPORTED, "JPEG image of a kind that is not supported (%s); convert it",
                    d->text);
    CZ_FAIL(err, CZ_ERR_FORMAT, "JPEG is damaged at byte %zu of %zu: %s; replace it", at, d->in->size,
            d->text);
}

cz_status cz_decode_jpeg(const struct cz_bytes *in, struct cz_image *out, struct cz_image_info *info,
                         cz_error *err)
{
    struct decoder *d = calloc(1, sizeof *d); /* on the heap: values must survive longjmp */
    if (!d)
        CZ_FAIL(err, CZ_ERR_MEMORY, "out of memory decoding JPEG");
    d->in = in;
    d->out = out;
    cz_status status;
    if (setjmp(d->escape) == 0)
        status = decode(d, info, err);
    else
        status = refuse(d, info, err);
    info->n_warnings = d->n_warnings;
    jpeg_destroy_decompress(&d->lib);
    free(d->row);
    free(d);
    return status;
}
