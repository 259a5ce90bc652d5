#include "cli/complete.h"
#include "cli/commands.h"
#include "cli/options.h"
#include "data/preprocess.h"
#include "zoo/zoo.h"

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
        r->before = "";
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

static void offer_tags(const struct request *r, const char *network)
{
    const struct cz_zoo_published *p;
    for (int i = 0; (p = cz_zoo_published_at(network, i)); i++)
        offer(r, p->tag, NULL);
}

/* Networks of the zoo; behind a colon the names of a network's weights. */
static void offer_models(struct request *r)
{
    char network[128], before[136];
    const char *colon = strchr(r->prefix, ':');
    for (int i = 0; !colon && i < cz_zoo_count(); i++)
        offer(r, cz_zoo_at(i)->name, cz_zoo_at(i)->family);
    if (!colon)
        return;
    snprintf(network, sizeof network, "%.*s", (int)(colon - r->prefix), r->prefix);
    snprintf(before, sizeof before, "%s:", network);
    r->before = before;
    r->prefix = colon + 1;
    offer_tags(r, network);
    r->before = "";
}

/* `resnet50 : v` as bash cuts `resnet50:v`. Returns 1 when the word at hand is such a part. */
static int offer_cut_tag(struct request *r, const char *const *words, int at)
{
    int alone = strcmp(r->prefix, ":") == 0, network = alone ? at - 1 : at - 2;
    if (network < 0 || (!alone && strcmp(words[at - 1], ":") != 0))
        return 0;
    if (alone)
        r->prefix = "";
    offer_tags(r, words[network]);
    return 1;
}

/* How many operands stand in words[0..n) behind the command's own words. */
static int count_operands(const struct cz_command *command, const char *const *words, int n)
{
    int count = strchr(command->name, ' ') ? -2 : -1;
    for (int i = 0; i < n; i++) {
        const struct cz_option *o =
            words[i][0] == '-' ? option_of(command, words[i], strlen(words[i])) : NULL;
        if (words[i][0] != '-')
            count++;
        i += o && o->kind != CZ_OPT_SWITCH && !(o->flags & CZ_OPT_OPTIONAL);
    }
    return count;
}

/* Does operand `index` of the command take a model? "MODEL IMAGE...", "[MODEL...]". */
static int takes_model(const struct cz_command *command, int index)
{
    const char *word = command->operands;
    for (; index > 0 && strchr(word, ' '); index--)
        word = strchr(word, ' ') + 1;
    word += *word == '[';
    return strncmp(word, "MODEL", 5) == 0 && (index == 0 || strstr(word, "..."));
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
    if (offer_value(&r, command, words, at) || offer_cut_tag(&r, words, at))
        return;
    if (r.prefix[0] == '-')
        offer_options(&r, command);
    else if (strcmp(command->name, "help") == 0)
        offer_commands(&r, NULL);
    else if (takes_model(command, count_operands(command, words, at < n ? at : n)))
        offer_models(&r);
}
