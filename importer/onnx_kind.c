/* What a file is that somebody took for an ONNX model: the mistakes that people make, by their first bytes.
 */
#include "importer/onnx_model.h"

#include <string.h>

static const struct {
    size_t offset;
    const char *magic, *what;
} kinds[] = {
    {0, "version https://git-lfs",
     "this is a git-LFS pointer, not a model; run `git lfs pull` where it came from"},
    {0, "PK\x03\x04", "this is a zip archive, as PyTorch's .pth files are; export the network to ONNX first"},
    {0, "\x80\x02", "this is a Python pickle, as old .pth files are; export the network to ONNX first"},
    {0, "\x1F\x8B", "this is a gzip archive; unpack it first"},
    {0, "\x89HDF\r\n", "this is an HDF5 file, as Keras' .h5 files are; convert the network to ONNX first"},
    {4, "TFL3", "this is a TensorFlow Lite model; convert it to ONNX first"},
    {4, "ORTM", "this is an ONNX Runtime (.ort) model; use the ONNX file it was made from"},
    {0, "\x93NUMPY", "this is an NPY array, not a model"},
    {0, "\xFF\xD8\xFF", "this is a JPEG image, not a model"},
    {0, "\x89PNG", "this is a PNG image, not a model"},
    {0, "<!DOCTYPE", "this is a web page, not a model; the download went wrong"},
    {0, "<!doctype", "this is a web page, not a model; the download went wrong"},
    {0, "<html", "this is a web page, not a model; the download went wrong"},
};

static int is_text(const unsigned char *bytes, size_t size)
{
    size_t n = size < 512 ? size : 512;
    for (size_t i = 0; i < n; i++)
        if (bytes[i] == 0x7F || (bytes[i] < 0x20 && bytes[i] != '\n' && bytes[i] != '\r' && bytes[i] != '\t'))
            return 0;
    return n >= 4; /* a few bytes are no evidence */
}

const char *onnx_other_kind(const unsigned char *bytes, size_t size)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        size_t n = strlen(kinds[i].magic);
        if (size >= kinds[i].offset + n && memcmp(bytes + kinds[i].offset, kinds[i].magic, n) == 0)
            return kinds[i].what;
    }
    if (size > 9 && bytes[8] == '{' && bytes[7] == 0)
        return "this is a safetensors file: weights without a network; the ONNX file is wanted";
    return is_text(bytes, size) ? "this is a text file, not an ONNX model" : NULL;
}
