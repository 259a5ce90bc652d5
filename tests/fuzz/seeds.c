/*
 * Seeds for the fuzz targets: fuzz_seeds FOLDER writes FOLDER/<target>/<name>.
 */
#include "../data/support.h"
#include "data/preprocess.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

static const char *folder;

static void add_seed(const char *name, struct buffer file)
{
    scratch_write(folder, name, file.data, file.size);
    buffer_deinit(&file);
}

static void image_seeds(void)
{
    unsigned char exif[EXIF_BYTES];
    make_exif(exif, "MM", 6);
    struct cz_image rgb = random_image(9, 12, 3, 1), gray = random_image(9, 12, 1, 2);
    struct cz_image cmyk = {8, 8, 4, calloc(1, 256)};
    add_seed("fuzz_image/rgb.jpg", encode_jpeg(&rgb, &(struct jpeg_options){.components = 3, .exif = exif}));
    add_seed("fuzz_image/gray.jpg",
             encode_jpeg(&gray, &(struct jpeg_options){.components = 1, .progressive = 1}));
    add_seed("fuzz_image/ycck.jpg",
             encode_jpeg(&cmyk, &(struct jpeg_options){.components = 4, .ycck = 1, .adobe = 1}));
    add_seed("fuzz_image/scans.jpg",
             encode_jpeg(&gray, &(struct jpeg_options){.components = 1, .many_scans = 1}));
    add_seed("fuzz_image/rgb.png", encode_png(rgb.pixels, 324, 9, 12, &(struct png_options){8, 2, 1, exif}));
    add_seed("fuzz_image/gray16.png",
             encode_png(rgb.pixels, 216, 9, 12, &(struct png_options){16, 0, 0, NULL}));
    add_seed("fuzz_image/palette.png",
             encode_png(gray.pixels, 54, 9, 12, &(struct png_options){4, 3, 0, NULL}));
    add_seed("fuzz_image/rgb.webp", encode_webp(&rgb, exif));
    scratch_write(folder, "fuzz_image/gray.pgm", "P5 3 2 65535\nabcdefghijkl", 25);
    cz_image_deinit(&rgb);
    cz_image_deinit(&gray);
    free(cmyk.pixels);
}

static void preprocess_seeds(void)
{
    for (int i = 0; cz_preprocess_preset_name(i); i++) {
        struct cz_preprocess pp;
        char name[64];
        snprintf(name, sizeof name, "fuzz_preprocess/%s.json", cz_preprocess_preset_name(i));
        assert_int_equal(cz_preprocess_preset(cz_preprocess_preset_name(i), &pp, NULL), CZ_OK);
        char *text = cz_preprocess_print(&pp);
        scratch_write_text(folder, name, text);
        free(text);
    }
}

static void idx_seeds(void)
{
    static const unsigned char two[] = {0, 20, 0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0,
                                        0, 2,  9, 8, 7, 6, 0, 0, 8, 1, 0, 0, 0, 2, 0, 5};
    scratch_write(folder, "fuzz_idx/two", two, sizeof two);
}

int main(int argc, char **argv)
{
    if (argc != 2)
        return 1;
    folder = argv[1];
    mkdir(folder, 0777);
    image_seeds();
    preprocess_seeds();
    idx_seeds();
    return 0;
}
