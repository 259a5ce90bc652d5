/*
 * Preprocessing: the JSON contract (round trip, canonical form, hash, refusals), presets, geometry and
 * values.
 */
#include "data/preprocess.h"
#include "support.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char TORCHVISION[] =
    "{\"channels\":\"RGB\",\"crop\":{\"mode\":\"center\",\"size_px\":[224,224]},\"exif\":true,\"layout\":"
    "\"NCHW\","
    "\"mean\":[0.485,0.456,0.406],\"resize\":{\"filter\":\"bilinear\",\"mode\":\"shorter\",\"size_px\":[256,"
    "256]},"
    "\"scale\":0.00392156862745098,\"schema\":\"convzoo.preprocess/1\",\"std\":[0.229,0.224,0.225]}";

static struct cz_preprocess preset(const char *name)
{
    struct cz_preprocess pp;
    cz_error err;
    if (cz_preprocess_preset(name, &pp, &err) != CZ_OK)
        fail_msg("%s", err.message);
    return pp;
}

static void check_printed(const struct cz_preprocess *pp, const char *want)
{
    char *text = cz_preprocess_print(pp);
    assert_non_null(text);
    assert_string_equal(text, want);
    free(text);
}

static void presets_print_parse_and_print_alike(void **state)
{
    (void)state;
    for (int i = 0; cz_preprocess_preset_name(i); i++) {
        struct cz_preprocess pp = preset(cz_preprocess_preset_name(i)), back;
        assert_int_equal(cz_preprocess_check(&pp, NULL), CZ_OK);
        char *text = cz_preprocess_print(&pp);
        cz_error err;
        if (cz_preprocess_parse(text, strlen(text), &back, &err) != CZ_OK)
            fail_msg("%s: %s", cz_preprocess_preset_name(i), err.message);
        check_printed(&back, text);
        free(text);
    }
    struct cz_preprocess torchvision = preset("torchvision");
    check_printed(&torchvision, TORCHVISION);
}

/* Made with Python: hashlib.sha256(TORCHVISION).hexdigest(). */
static void hash_is_of_the_canonical_text(void **state)
{
    (void)state;
    struct cz_preprocess pp = preset("torchvision");
    char text[CZ_SHA256_HEX];
    assert_int_equal(cz_preprocess_hash(&pp, text, NULL), CZ_OK);
    assert_string_equal(text, "5e2837b2d4f36f39328ef3eb4d6a61844b34c07022edaf5730a2c2fbc65e6c15");
    pp.std[2] = nextafter(0.225, 1);
    assert_int_equal(cz_preprocess_hash(&pp, text, NULL), CZ_OK);
    assert_string_not_equal(text, "5e2837b2d4f36f39328ef3eb4d6a61844b34c07022edaf5730a2c2fbc65e6c15");
}

/* Numbers as RFC 8785 and ECMAScript write them. */
static void numbers_are_the_shortest(void **state)
{
    (void)state;
    static const struct {
        double value;
        const char *text;
    } cases[] = {{1, "1"},
                 {104, "104"},
                 {103.939, "103.939"},
                 {1.0 / 255, "0.00392156862745098"},
                 {1.0 / 127.5, "0.00784313725490196"},
                 {0.1, "0.1"},
                 {0.015, "0.015"},
                 {1e-6, "0.000001"},
                 {1.5e-7, "1.5e-7"},
                 {1e-7, "1e-7"},
                 {123456789012, "123456789012"},
                 {1e20, "100000000000000000000"},
                 {1e21, "1e+21"},
                 {1.25e22, "1.25e+22"},
                 {1.0 / 3, "0.3333333333333333"},
                 {0.1 + 0.2, "0.30000000000000004"},
                 {5e-324, "5e-324"},
                 {1.7976931348623157e308, "1.7976931348623157e+308"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct cz_preprocess pp = preset("none");
        char want[64];
        pp.scale = cases[i].value;
        char *text = cz_preprocess_print(&pp);
        snprintf(want, sizeof want, "\"scale\":%s,", cases[i].text);
        if (!strstr(text, want))
            fail_msg("wanted %s in %s", want, text);
        free(text);
        pp.mean[0] = -cases[i].value;
        text = cz_preprocess_print(&pp);
        snprintf(want, sizeof want, "\"mean\":[-%s,0,0]", cases[i].text);
        if (!strstr(text, want))
            fail_msg("wanted %s in %s", want, text);
        free(text);
    }
}

/* TORCHVISION with `from` replaced by `to`. */
static cz_status parse_changed(const char *from, const char *to, struct cz_preprocess *pp, cz_error *err)
{
    char text[2048];
    const char *at = strstr(TORCHVISION, from);
    assert_non_null(at);
    snprintf(text, sizeof text, "%.*s%s%s", (int)(at - TORCHVISION), TORCHVISION, to, at + strlen(from));
    return cz_preprocess_parse(text, strlen(text), pp, err);
}

static void wrong_json_is_refused_by_key(void **state)
{
    (void)state;
    static const struct {
        const char *from, *to, *words;
        cz_status status;
    } cases[] = {
        {"\"exif\":true,", "", "'exif': missing", CZ_ERR_FORMAT},
        {"\"exif\":true,", "\"exif\":true,\"colour\":1,", "'colour': not known", CZ_ERR_FORMAT},
        {"\"exif\":true,", "\"exif\":true,\"exif\":true,", "duplicate", CZ_ERR_FORMAT},
        {"\"exif\":true", "\"exif\":1", "'exif': a number, wanted true or false", CZ_ERR_FORMAT},
        {"\"RGB\"", "\"rgb\"", "'channels': rgb, wanted RGB|BGR|GRAY", CZ_ERR_FORMAT},
        {"\"bilinear\"", "\"lanczos\"", "'resize.filter': lanczos, wanted nearest|bilinear|bicubic",
         CZ_ERR_FORMAT},
        {"\"shorter\"", "null", "'resize.mode': null, wanted shorter|squash|none", CZ_ERR_FORMAT},
        {"\"shorter\"", "\"none\"", "mode \"none\" wants [0,0]", CZ_ERR_FORMAT},
        {"[256,256]", "[256,300]", "the same number twice", CZ_ERR_FORMAT},
        {"[256,256]", "[0,0]", "resize.size_px: 0, wanted 1 to 16384", CZ_ERR_FORMAT},
        {"[224,224]", "[224]", "'crop.size_px': wanted a list of 2 numbers", CZ_ERR_FORMAT},
        {"[224,224]", "[224,1e9]", "whole number up to 16384", CZ_ERR_FORMAT},
        {"[224,224]", "[224,22.5]", "22.5, wanted a whole number", CZ_ERR_FORMAT},
        {"[224,224]", "[-1,224]", "-1, wanted a whole number", CZ_ERR_FORMAT},
        {"0.00392156862745098", "0", "scale: 0, wanted a number above 0", CZ_ERR_FORMAT},
        {"0.00392156862745098", "1e999", "not JSON", CZ_ERR_FORMAT},
        {"0.00392156862745098", "\"1\"", "'scale': a string, wanted a number", CZ_ERR_FORMAT},
        {"0.225]", "0]", "std[2]: 0, wanted a number above 0", CZ_ERR_FORMAT},
        {"0.225]", "0.225,1]", "'std': wanted a list of 3 numbers", CZ_ERR_FORMAT},
        {"\"RGB\"", "\"GRAY\"", "'mean': wanted a list of 1 number", CZ_ERR_FORMAT},
        {"preprocess/1", "preprocess/2", "newer convzoo", CZ_ERR_UNSUPPORTED},
        {"\"convzoo.preprocess/1\"", "\"other/1\"", "'schema': other/1", CZ_ERR_FORMAT},
        {"{\"channels\"", "[\"channels\"", "not JSON: line 1", CZ_ERR_FORMAT},
        {"]}", "]} x", "not JSON", CZ_ERR_FORMAT},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct cz_preprocess pp;
        cz_error err = {0};
        cz_status status = parse_changed(cases[i].from, cases[i].to, &pp, &err);
        if (status != cases[i].status || err.code != status || !strstr(err.message, cases[i].words))
            fail_msg("%s -> %s: wanted '%s', got %s: %s", cases[i].from, cases[i].to, cases[i].words,
                     cz_status_name(status), err.message);
    }
}

static void hostile_json_does_no_harm(void **state)
{
    (void)state;
    struct cz_preprocess pp;
    static const char *const texts[] = {"", "null", "[]", "0", "{", "{}", "\"\xFF\"", "{\"schema\":{}}"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        assert_int_equal(cz_preprocess_parse(texts[i], strlen(texts[i]), &pp, NULL), CZ_ERR_FORMAT);
    char *deep = malloc(60000);
    memset(deep, '[', 60000);
    assert_int_equal(cz_preprocess_parse(deep, 60000, &pp, NULL), CZ_ERR_FORMAT);
    assert_int_equal(cz_preprocess_parse(deep, 70000, &pp, NULL),
                     CZ_ERR_FORMAT); /* over the limit: not read */
    free(deep);
    /* Every cut and every changed byte of a good text. */
    char text[sizeof TORCHVISION];
    for (size_t n = 0; n < sizeof TORCHVISION - 1; n++) {
        assert_int_equal(cz_preprocess_parse(TORCHVISION, n, &pp, NULL), CZ_ERR_FORMAT);
        memcpy(text, TORCHVISION, sizeof text);
        text[n] = (char)(text[n] ^ 0x15);
        cz_preprocess_parse(text, sizeof text - 1, &pp, NULL);
    }
}

static void unknown_presets_name_the_nearest(void **state)
{
    (void)state;
    struct cz_preprocess pp;
    cz_error err;
    assert_int_equal(cz_preprocess_preset("torchvision_v2", &pp, &err), CZ_ERR_ARGUMENT);
    assert_non_null(strstr(err.message, "nearest is 'torchvision-v2'"));
    assert_int_equal(cz_preprocess_preset("imagenet", &pp, &err), CZ_ERR_ARGUMENT);
    assert_non_null(strstr(err.message, "give torchvision|"));
}

static void files_are_named_in_errors(void **state)
{
    (void)state;
    char *folder = scratch_create(), path[4096];
    struct cz_preprocess pp;
    cz_error err;
    scratch_write_text(folder, "good.json", TORCHVISION);
    scratch_write_text(folder, "bad.json", "{}");
    snprintf(path, sizeof path, "%s/good.json", folder);
    assert_int_equal(cz_preprocess_load(path, &pp, &err), CZ_OK);
    snprintf(path, sizeof path, "%s/bad.json", folder);
    assert_int_equal(cz_preprocess_load(path, &pp, &err), CZ_ERR_FORMAT);
    assert_int_equal(strncmp(err.message, path, strlen(path)), 0);
    assert_int_equal(cz_preprocess_load("/nowhere.json", &pp, &err), CZ_ERR_IO);
    scratch_remove(folder);
}

static void size_scales_resize_with_the_crop(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int side, resize, crop;
    } cases[] = {
        {"torchvision", 224, 256, 224},       {"torchvision", 97, 111, 97}, {"torchvision", 112, 128, 112},
        {"torchvision-v2", 480, 497, 480},    {"keras-caffe", 160, 160, 0}, {"torchvision", 1, 1, 1},
        {"torchvision", 14336, 16384, 14336},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct cz_preprocess pp = preset(cases[i].name);
        assert_int_equal(cz_preprocess_scale_to(&pp, cases[i].side, NULL), CZ_OK);
        assert_int_equal(pp.resize_size[0], cases[i].resize);
        assert_int_equal(pp.resize_size[1], cases[i].resize);
        assert_int_equal(pp.crop_size[0], cases[i].crop);
        assert_int_equal(cz_preprocess_check(&pp, NULL), CZ_OK);
    }
    struct cz_preprocess pp = preset("torchvision"), none = preset("none");
    cz_error err;
    assert_int_equal(cz_preprocess_scale_to(&pp, 0, &err), CZ_ERR_ARGUMENT);
    assert_int_equal(cz_preprocess_scale_to(&pp, 16000, &err), CZ_ERR_ARGUMENT); /* resize would pass 16384 */
    assert_int_equal(pp.crop_size[0], 224);
    assert_int_equal(cz_preprocess_scale_to(&none, 64, &err), CZ_ERR_ARGUMENT);
}

static void output_size_is_told_where_it_is_fixed(void **state)
{
    (void)state;
    int size[2];
    struct cz_preprocess pp = preset("torchvision");
    assert_int_equal(cz_preprocess_output_size(&pp, size), 1);
    assert_true(size[0] == 224 && size[1] == 224);
    pp.crop_mode = CZ_CROP_NONE;
    assert_int_equal(cz_preprocess_output_size(&pp, size), 0);
    pp = preset("keras-caffe");
    assert_int_equal(cz_preprocess_output_size(&pp, size), 1);
    pp = preset("none");
    assert_int_equal(cz_preprocess_output_size(&pp, size), 0);
}

/* The stated arithmetic: double, one multiply, one subtract, one divide, one rounding. */
static float value_of(const struct cz_preprocess *pp, int c, int pixel)
{
    volatile double scaled = pixel * pp->scale;
    volatile double centred = scaled - pp->mean[c];
    return (float)(centred / pp->std[c]);
}

static void values_channels_and_layouts(void **state)
{
    (void)state;
    static const int size[2] = {5, 7};
    struct cz_image rgb = random_image(5, 7, 3, 21), gray = random_image(5, 7, 1, 22);
    float out[3 * 35];
    for (int channels = 0; channels < 3; channels++)
        for (int layout = 0; layout < 2; layout++)
            for (int from_gray = 0; from_gray < 2; from_gray++) {
                struct cz_preprocess pp = preset("none");
                pp.channels = (enum cz_channels)channels;
                pp.layout = (enum cz_picture_layout)layout;
                pp.scale = 1.0 / 255;
                for (int c = 0; c < 3; c++) {
                    pp.mean[c] = 0.4 + 0.05 * c;
                    pp.std[c] = 0.22 + 0.01 * c;
                }
                const int n = cz_preprocess_channels(&pp);
                const struct cz_image *in = from_gray ? &gray : &rgb;
                assert_int_equal(cz_preprocess_image(&pp, in, size, out, NULL), CZ_OK);
                for (int i = 0; i < 35; i++)
                    for (int c = 0; c < n; c++) {
                        const uint8_t *p = in->pixels + i * in->channels;
                        int pixel = from_gray ? p[0]
                                    : channels == CZ_CHANNELS_GRAY
                                        ? (19595 * p[0] + 38470 * p[1] + 7471 * p[2] + 32768) >> 16
                                    : channels == CZ_CHANNELS_BGR ? p[2 - c]
                                                                  : p[c];
                        float got = layout == CZ_LAYOUT_NCHW ? out[c * 35 + i] : out[i * n + c];
                        assert_true(got == value_of(&pp, c, pixel));
                    }
            }
    cz_image_deinit(&rgb);
    cz_image_deinit(&gray);
}

static void shorter_side_truncates_the_longer(void **state)
{
    (void)state;
    /* 300 x 200, shorter 97: 97 * 300 / 200 = 145.5 -> 145. Portrait and landscape. */
    struct cz_preprocess pp = preset("torchvision");
    pp.crop_mode = CZ_CROP_NONE;
    pp.crop_size[0] = pp.crop_size[1] = 0;
    pp.resize_size[0] = pp.resize_size[1] = 97;
    for (int turned = 0; turned < 2; turned++) {
        struct cz_image in = random_image(turned ? 200 : 300, turned ? 300 : 200, 3, 2), out;
        assert_int_equal(cz_preprocess_pixels(&pp, &in, &out, NULL), CZ_OK);
        assert_int_equal(out.height, turned ? 97 : 145);
        assert_int_equal(out.width, turned ? 145 : 97);
        cz_image_deinit(&in);
        cz_image_deinit(&out);
    }
}

static void an_image_of_another_size_is_refused(void **state)
{
    (void)state;
    struct cz_preprocess pp = preset("none");
    struct cz_image in = random_image(4, 6, 3, 2);
    static const int size[2] = {4, 5};
    float out[60];
    cz_error err;
    assert_int_equal(cz_preprocess_image(&pp, &in, size, out, &err), CZ_ERR_SHAPE);
    assert_non_null(strstr(err.message, "gives 4 x 6 pixels (height x width), wanted 4 x 5"));
    cz_image_deinit(&in);
}

static void a_line_for_people(void **state)
{
    (void)state;
    char text[CZ_PREPROCESS_TEXT], small[8];
    struct cz_preprocess pp = preset("torchvision-v2");
    assert_string_equal(cz_preprocess_describe(&pp, text, sizeof text),
                        "shorter side 232 bilinear, crop 224");
    pp = preset("keras-caffe");
    assert_string_equal(cz_preprocess_describe(&pp, text, sizeof text), "squashed to 224 nearest, BGR, NHWC");
    pp = preset("none");
    pp.exif = 0;
    assert_string_equal(cz_preprocess_describe(&pp, text, sizeof text), "not resized, EXIF ignored");
    assert_string_equal(cz_preprocess_describe(&pp, small, sizeof small), "not res");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(presets_print_parse_and_print_alike),
        cmocka_unit_test(hash_is_of_the_canonical_text),
        cmocka_unit_test(numbers_are_the_shortest),
        cmocka_unit_test(wrong_json_is_refused_by_key),
        cmocka_unit_test(hostile_json_does_no_harm),
        cmocka_unit_test(unknown_presets_name_the_nearest),
        cmocka_unit_test(files_are_named_in_errors),
        cmocka_unit_test(size_scales_resize_with_the_crop),
        cmocka_unit_test(output_size_is_told_where_it_is_fixed),
        cmocka_unit_test(values_channels_and_layouts),
        cmocka_unit_test(shorter_side_truncates_the_longer),
        cmocka_unit_test(an_image_of_another_size_is_refused),
        cmocka_unit_test(a_line_for_people),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
