/*
 * Classifies one picture through libconvzoo.
 *
 *   classify MODEL.onnx MEAN STD <PIXELS      PIXELS: bytes, channel by channel, of the size the network
 * wants
 */
#include <convzoo/convzoo.h>

#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    cz_runtime *runtime = NULL;
    cz_model *model = NULL;
    cz_plan *plan = NULL;
    cz_session *session = NULL;
    cz_model_info info;
    cz_error error = {0};
    if (argc != 4)
        return 2;
    if (cz_runtime_create(NULL, &runtime, &error) || cz_model_load(runtime, argv[1], &model, &error) ||
        cz_plan_create(runtime, model, NULL, &plan, &error) || cz_session_create(plan, &session, &error))
        return fprintf(stderr, "%s\n", error.message), 1;

    cz_model_get_info(model, &info);
    cz_tensor in = {NULL, CZ_F32, 4, {1, info.in_c, info.in_h, info.in_w}}, out = {0};
    size_t n = (size_t)info.in_c * (size_t)info.in_h * (size_t)info.in_w;
    float *pixels = in.data = calloc(n, sizeof *pixels);
    for (size_t i = 0; pixels && i < n; i++)
        pixels[i] = ((float)getchar() / 255 - strtof(argv[2], NULL)) / strtof(argv[3], NULL);
    if (cz_session_run(session, &in, 1, &out, 1, &error))
        return fprintf(stderr, "%s\n", error.message), 1;

    const float *logits = out.data;
    int64_t best = 0;
    for (int64_t i = 1; i < out.dim[1]; i++)
        best = logits[i] > logits[best] ? i : best;
    const char *classes = cz_model_metadata(model, "convzoo.classes");
    printf("class %d, logit %.4f, of %s\n", (int)best, logits[best], classes ? classes : "no names");
    free(pixels);
    cz_session_destroy(session);
    cz_plan_destroy(plan);
    cz_model_destroy(model);
    cz_runtime_destroy(runtime);
    return 0;
}
