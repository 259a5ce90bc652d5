#include "cli/complete.h"
#include "cli/commands.h"
#include "cli/options.h"
#include "data/preprocess.h"

#include <string.h>

struct request {
    const char *prefix; /* what the word begins with so far */
    const char *before; /* printed in front of each candidate: "--isa=" */
    FILE *out;
};

static void offer(const struct request *r, const char *word, const char *about)
{
    if (strncmp(word, r->prefix, strlen(r->prefix)) != 0)
        return;
    fprintf(r->out, "%s%s%s%s\n", r->before, word, about ? "\t" : "", about ? about : "");
}

/* First words, each once; behind a family's word its second words. */
static void offer_commands(const struct request *r, const char *family)
{
    char last[32] = "", word[32];
    for (int i = 0; i < cz_command_count(); i++) {
        const struct cz_command *c = cz_command_at(i);
        const char *space = strchr(c->name, ' ');
        size_t n = strcspn(c->name, " ");
        if (c->group == CZ_HIDDEN)
            continue;
        if (family) {
            if (space && strlen(family) == n && strncmp(c->name, family, n) == 0)
                offer(r, space + 1, c->summary);
            continue;
        }
        snprintf(word, sizeof word, "%.*s", (int)n, c->name);
        if (strcmp(word, last) != 0)
            offer(r, word, space ? NULL : c->summary);
        snprintf(last, sizeof last, "%s", word);
    }
}

static void offer_options(const struct request *r, const struct cz_command *command)
{
    for (int i = 0; i < cz_option_count(); i++) {
        const struct cz_option *o = cz_option_at(i);
        char name[64];
        if (!cz_option_applies(o, command) || (o->flags & (CZ_OPT_HIDDEN | CZ_OPT_NO_LINE)))
            continue;
        snprintf(name, sizeof name, "--%s", o->name);
        offer(r, name, o->sentence);
    }
}

static void offer_values(const struct request *r, const struct cz_option *o)
{
    char word[32];
    const char *name;
    if (o->kind == CZ_OPT_SWITCH) {
        offer(r, "yes", NULL);
        offer(r, "no", NULL);
    }
    for (int i = 0; o->kind == CZ_OPT_CHOICE && cz_option_word(o, i, word, sizeof word); i++)
        offer(r, word, NULL);
    for (int i = 0; strcmp(o->name, "preprocess") == 0 && (name = cz_preprocess_preset_name(i)); i++)
        offer(r, name, NULL);
}

static const struct cz_option *option_of(const struct cz_command *command, const char *word, size_t n)
{
    char name[64];
    if (n < 3 || strncmp(word, "--", 2) != 0 || n - 2 >= sizeof name)
        return NULL;
    snprintf(name, sizeof name, "%.*s", (int)(n - 2), word + 2);
    return cz_option_find(command, name);
}

/*
 * The value of an option, if the word at hand is one: `--isa av`, `--isa=av`, and `--isa = av` as bash cuts
 * it. Returns 1 when it was (also where there is nothing to offer).
 */
static int offer_value(struct request *r, const struct cz_command *command, const char *const *words, int at)
{
    const char *word = r->prefix, *equals = strchr(word, '=');
    char before[72];
    const struct cz_option *o = NULL;
    if (equals && equals != word && (o = option_of(command, word, (size_t)(equals - word)))) {
        snprintf(before, sizeof before, "%.*s", (int)(equals - word) + 1, word);
        r->before = before;
        r->prefix = equals + 1;
        offer_values(r, o);
        return 1;
    }
    int attached = at > 0 && strcmp(words[at - 1], "=") == 0, alone = strcmp(word, "=") == 0;
    int name = attached ? at - 2 : at - 1;
    if (name < 0 || !(o = option_of(command, words[name], strlen(words[name]))))
        return 0;
    int wants = o->kind != CZ_OPT_SWITCH && !(o->flags & CZ_OPT_OPTIONAL);
    if (!wants && !attached && !alone)
        return 0;
    if (alone)
        r->prefix = "";
    offer_values(r, o);
    return 1;
}

void cz_complete(const char *const *words, int n, int at, FILE *out)
{
    struct request r = {at < n ? words[at] : "", "", out};
    int where[2], used = 0;
    int found = cz_command_words(words, at < n ? at : n, where);
    const char *names[2] = {found > 0 ? words[where[0]] : NULL, found > 1 ? words[where[1]] : NULL};
    const struct cz_command *command = cz_command_find(names, found, &used);
    if (!command) {
        const char *family = used == 1 ? names[0] : NULL;
        offer_commands(&r, family);
        if (!family)
            offer(&r, "--help", NULL);
        return;
    }
    if (offer_value(&r, command, words, at))
        return;
    if (r.prefix[0] == '-')
        offer_options(&r, command);
    else if (strcmp(command->name, "help") == 0)
        offer_commands(&r, NULL);
}
