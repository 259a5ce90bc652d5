#include "cli/help.h"

#include <string.h>

enum { HELP_WIDTH = 100, NAME_WIDTH = 30, SUMMARY_WIDTH = 32 };

char *cz_help_option(const struct cz_option *o, char *buf, size_t size)
{
    if (o->kind == CZ_OPT_SWITCH)
        snprintf(buf, size, "--%s", o->name);
    else if (o->flags & CZ_OPT_OPTIONAL)
        snprintf(buf, size, "--%s[=%s]", o->name, o->value);
    else
        snprintf(buf, size, "--%s %s", o->name, o->value);
    return buf;
}

char *cz_help_sentence(const struct cz_option *o, char *buf, size_t size)
{
    const char *many = o->flags & CZ_OPT_REPEATABLE && o->kind != CZ_OPT_SWITCH ? " (repeatable)" : "";
    const char *standard = o->standard;
    if (!standard || (o->kind == CZ_OPT_SWITCH && strcmp(standard, "no") == 0))
        snprintf(buf, size, "%s%s", o->sentence, many);
    else if (standard[0] == '(')
        snprintf(buf, size, "%s%s [%.*s]", o->sentence, many, (int)strlen(standard) - 2, standard + 1);
    else
        snprintf(buf, size, "%s%s [%s]", o->sentence, many, standard);
    return buf;
}

int cz_help_example(const struct cz_command *command, int index, char *line, char *comment)
{
    const char *p = command->examples;
    for (; index > 0 && *p; index--)
        p += strcspn(p, "\n") + (p[strcspn(p, "\n")] == '\n');
    if (!*p)
        return 0;
    size_t n = strcspn(p, "\n"), tab = strcspn(p, "\t\n");
    snprintf(line, CZ_HELP_EXAMPLE, "%.*s", (int)tab, p);
    snprintf(comment, CZ_HELP_EXAMPLE, "%.*s", tab < n ? (int)(n - tab - 1) : 0, p + tab + 1);
    return 1;
}

/* Prints text from column `at`, wrapped at HELP_WIDTH with `indent` blanks. Ends the line. */
static void wrap(const char *text, int at, int indent, FILE *out)
{
    int first = 1;
    while (*text) {
        int n = (int)strcspn(text, " ");
        if (!first && at + 1 + n > HELP_WIDTH) {
            fprintf(out, "\n%*s", indent, "");
            at = indent;
        } else if (!first) {
            fputc(' ', out);
            at++;
        }
        first = 0;
        fprintf(out, "%.*s", n, text);
        at += n;
        text += n;
        text += strspn(text, " ");
    }
    fputc('\n', out);
}

/* "  --name VALUE                 sentence", the sentence on the next line where the name is long. */
static void print_option(const struct cz_option *o, FILE *out)
{
    char name[128], sentence[512];
    cz_help_option(o, name, sizeof name);
    fprintf(out, "  %-*s", NAME_WIDTH, name);
    if (strlen(name) >= NAME_WIDTH)
        fprintf(out, "\n  %*s", NAME_WIDTH, "");
    wrap(cz_help_sentence(o, sentence, sizeof sentence), NAME_WIDTH + 2, NAME_WIDTH + 2, out);
}

static int is_shown(const struct cz_option *o, const struct cz_command *command)
{
    return !(o->flags & (CZ_OPT_HIDDEN | CZ_OPT_NO_LINE)) && cz_option_applies(o, command);
}

/* Groups in the order in which the table first names them. */
static void print_groups(const struct cz_command *command, FILE *out)
{
    for (int i = 0; i < cz_option_count(); i++) {
        const struct cz_option *first = cz_option_at(i);
        int seen = 0;
        if (!first->group || !is_shown(first, command))
            continue;
        for (int j = 0; j < i && !seen; j++) {
            const struct cz_option *o = cz_option_at(j);
            seen = o->group && strcmp(o->group, first->group) == 0 && is_shown(o, command);
        }
        if (seen)
            continue;
        fprintf(out, "%s\n", first->group);
        for (int j = i; j < cz_option_count(); j++) {
            const struct cz_option *o = cz_option_at(j);
            if (o->group && strcmp(o->group, first->group) == 0 && is_shown(o, command))
                print_option(o, out);
        }
    }
}

static void print_also(const struct cz_command *command, FILE *out)
{
    char line[2048], name[128];
    size_t used = 0;
    for (int i = 0; i < cz_option_count(); i++) {
        const struct cz_option *o = cz_option_at(i);
        if (o->group || !is_shown(o, command) || strcmp(o->name, "help") == 0)
            continue;
        /* The value's name only where it is short: the words of a choice are in `help options`. */
        cz_help_option(o, name, sizeof name);
        if (o->kind == CZ_OPT_CHOICE)
            snprintf(name, sizeof name, "--%s", o->name);
        used += (size_t)snprintf(line + used, sizeof line - used, " %s", name);
    }
    snprintf(line + used, sizeof line - used, "; see `convzoo help options`");
    fputs("Also: ", out);
    wrap(line + 1, 6, 6, out);
}

static void print_examples(const struct cz_command *command, FILE *out)
{
    char line[CZ_HELP_EXAMPLE], comment[CZ_HELP_EXAMPLE];
    int width = 0;
    for (int i = 0; cz_help_example(command, i, line, comment); i++)
        width = comment[0] && (int)strlen(line) > width ? (int)strlen(line) : width;
    for (int i = 0; cz_help_example(command, i, line, comment); i++)
        if (comment[0])
            fprintf(out, "  %-*s  %s\n", width, line, comment);
        else
            fprintf(out, "  %s\n", line);
}

int cz_help_note(const struct cz_command *command, int index, char *buf, size_t size)
{
    const char *p = command->notes;
    size_t used = 0;
    for (; *p; p++) {
        int ends = *p == '\n', goes_on = ends && p[1] == ' ';
        if (goes_on)
            p += strspn(p + 1, " ");
        if (index == 0 && used + 1 < size && (!ends || goes_on))
            buf[used++] = goes_on ? ' ' : *p;
        if (ends && !goes_on && index-- == 0)
            break;
    }
    buf[used] = '\0';
    return used > 0;
}

void cz_help_command(const struct cz_command *command, FILE *out)
{
    fprintf(out, "Usage: convzoo %s%s%s [options]\n", command->name, command->operands[0] ? " " : "",
            command->operands);
    wrap(command->about, 0, 0, out);
    print_examples(command, out);
    print_groups(command, out);
    print_also(command, out);
    char note[CZ_HELP_NOTE];
    for (int i = 0; cz_help_note(command, i, note, sizeof note); i++)
        wrap(note, 0, 2, out);
}

static int begins_with_word(const char *name, const char *word)
{
    size_t n = strlen(word);
    return strncmp(name, word, n) == 0 && name[n] == ' ';
}

void cz_help_family(const char *word, FILE *out)
{
    fprintf(out, "Usage: convzoo %s COMMAND [options]\n", word);
    for (int i = 0; i < cz_command_count(); i++) {
        const struct cz_command *c = cz_command_at(i);
        char usage[128];
        if (!begins_with_word(c->name, word))
            continue;
        snprintf(usage, sizeof usage, "%s %s", c->name, c->operands);
        fprintf(out, "  %-*s%s\n", NAME_WIDTH, usage, c->summary);
    }
    fprintf(out, "See convzoo %s COMMAND --help.\n", word);
}

void cz_help_options(FILE *out)
{
    fputs("Options that mean the same in every command that has them\n", out);
    for (int i = 0; i < cz_option_count(); i++) {
        const struct cz_option *o = cz_option_at(i);
        if (o->group || (o->flags & (CZ_OPT_HIDDEN | CZ_OPT_NO_LINE)))
            continue;
        int used = strcmp(o->commands, "*") == 0;
        for (int c = 0; c < cz_command_count() && !used; c++)
            used = cz_option_applies(o, cz_command_at(c));
        if (used)
            print_option(o, out);
    }
    wrap("Short forms: -h --help, -q --quiet, -v --verbose, -o FILE --out FILE. An option holds from the "
         "command "
         "line, else from the environment (CONVZOO_THREADS, CONVZOO_ISA, CONVZOO_GEMM, CONVZOO_COLOR, "
         "CONVZOO_CACHE), "
         "else from --config FILE, else from $XDG_CONFIG_HOME/convzoo/config.json, else it is the default in "
         "brackets.",
         0, 0, out);
}

/* The second words of a family, or a command's summary. */
static void summary_of(int index, char *buf, size_t size)
{
    const struct cz_command *c = cz_command_at(index);
    const char *space = strchr(c->name, ' ');
    size_t used = 0;
    if (!space) {
        snprintf(buf, size, "%s", c->summary);
        return;
    }
    for (int i = index; i < cz_command_count(); i++) {
        const struct cz_command *other = cz_command_at(i);
        if (strncmp(other->name, c->name, (size_t)(space - c->name) + 1) == 0 && used < size)
            used += (size_t)snprintf(buf + used, size - used, "%s%s", used ? ", " : "",
                                     other->name + (space - c->name) + 1);
    }
}

/* Is it the first command of its first word? Others of a family have no line of their own. */
static int is_first_of_family(int index)
{
    const char *name = cz_command_at(index)->name;
    size_t n = strcspn(name, " ");
    for (int i = 0; i < index; i++) {
        const char *other = cz_command_at(i)->name;
        if (strcspn(other, " ") == n && strncmp(other, name, n) == 0)
            return 0;
    }
    return 1;
}

/* A group's commands, two on a line: "Look       info      this machine and build        inspect    ...". */
static void print_group(enum cz_group group, FILE *out)
{
    int printed = 0, width = 0;
    for (int i = 0; i < cz_command_count(); i++) {
        const struct cz_command *c = cz_command_at(i);
        char summary[64];
        if (c->group != group || !is_first_of_family(i))
            continue;
        summary_of(i, summary, sizeof summary);
        if (printed % 2 == 0)
            fprintf(out, "%s%-10s", printed ? "\n" : "", printed ? "" : cz_group_title(group));
        else
            fprintf(out, "%*s", width < SUMMARY_WIDTH ? SUMMARY_WIDTH - width : 1, "");
        fprintf(out, " %-11.*s", (int)strcspn(c->name, " "), c->name);
        width = fprintf(out, "%s", summary);
        printed++;
    }
    if (printed)
        fputc('\n', out);
}

void cz_help_main(FILE *out)
{
    static const struct {
        const char *command, *example, *comment;
    } first_steps[] = {
        {"zoo list", "convzoo zoo list", "networks, accuracy, size, speed"},
        {"predict", "convzoo predict net.onnx photo.jpg", "what is in it"},
        {"finetune", "convzoo finetune net.onnx --data my_photos",
         "teach it your own classes, a folder per class"},
    };
    fputs("convzoo: run, time, fine-tune and compare image classification networks on the CPU\n", out);
    for (size_t i = 0; i < sizeof first_steps / sizeof *first_steps; i++)
        for (int c = 0; c < cz_command_count(); c++)
            if (strcmp(cz_command_at(c)->name, first_steps[i].command) == 0)
                fprintf(out, "  %-46s %s\n", first_steps[i].example, first_steps[i].comment);
    for (int group = CZ_LOOK; group < CZ_HIDDEN; group++)
        print_group((enum cz_group)group, out);
    fputs("Common     --threads N --json --out PATH --quiet --verbose --color WHEN; see convzoo COMMAND "
          "--help\n"
          "Exit       0 done/yes 1 no 2 usage 3 some skipped 4 bad input 5 unsupported 6 system 7 memory 8 "
          "NaN\n",
          out);
}
