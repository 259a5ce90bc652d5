#include "cli/man.h"
#include "cli/commands.h"
#include "cli/help.h"
#include "cli/options.h"
#include "convzoo/convzoo.h"

#include <string.h>

enum { BACKTICK = '`' };

/* Text as roff takes it: no line may begin with a control character, hyphens stay hyphens, `code` is bold. */
static void print_text(const char *text, FILE *out)
{
    int bold = 0, line_start = 1;
    for (const char *p = text; *p; p++) {
        if (line_start && (*p == '.' || *p == '\''))
            fputs("\\&", out);
        line_start = *p == '\n';
        if (*p == BACKTICK)
            fputs((bold = !bold) ? "\\fB" : "\\fR", out);
        else if (*p == '-')
            fputs("\\-", out);
        else if (*p == '\\')
            fputs("\\e", out);
        else
            fputc(*p, out);
    }
}

static void print_line(const char *macro, const char *text, FILE *out)
{
    if (macro)
        fprintf(out, "%s ", macro);
    print_text(text, out);
    fputc('\n', out);
}

static void print_head(const char *name, int section, const char *summary, FILE *out)
{
    char upper[64];
    snprintf(upper, sizeof upper, "%s", name);
    for (char *c = upper; *c; c++)
        if (*c >= 'a' && *c <= 'z')
            *c = (char)(*c - 'a' + 'A');
    fprintf(out, ".\\\" Made from the program's tables by: cmake --build BUILD --target man_pages\n");
    fprintf(out, ".TH %s %d \"\" \"convzoo %s\" \"convzoo manual\"\n.nh\n.SH NAME\n%s \\- ", upper, section,
            cz_version(), name);
    print_line(NULL, summary, out);
}

/* "--batch N" in bold and italics, then its sentence. */
static void print_option(const struct cz_option *o, FILE *out)
{
    char sentence[512];
    fputs(".TP\n\\fB", out);
    print_text("--", out);
    print_text(o->name, out);
    fputs("\\fR", out);
    if (o->kind != CZ_OPT_SWITCH) {
        fputs(o->flags & CZ_OPT_OPTIONAL ? "[=\\fI" : " \\fI", out);
        print_text(o->value, out);
        fputs(o->flags & CZ_OPT_OPTIONAL ? "\\fR]" : "\\fR", out);
    }
    fputc('\n', out);
    print_line(NULL, cz_help_sentence(o, sentence, sizeof sentence), out);
}

static int is_shown(const struct cz_option *o, const struct cz_command *command)
{
    return !(o->flags & (CZ_OPT_HIDDEN | CZ_OPT_NO_LINE)) && cz_option_applies(o, command);
}

/* The command's own options by group, then the shared ones. */
static void print_options(const struct cz_command *command, FILE *out)
{
    const char *group = "";
    fputs(".SH OPTIONS\n", out);
    for (int own = 1; own >= 0; own--) {
        if (!own)
            fputs(".SS Common options\n", out);
        for (int i = 0; i < cz_option_count(); i++) {
            const struct cz_option *o = cz_option_at(i);
            if (!is_shown(o, command) || (o->group != NULL) != own)
                continue;
            if (own && strcmp(o->group, "Options") != 0 && strcmp(o->group, group) != 0)
                print_line(".SS", o->group, out);
            group = own ? o->group : "";
            print_option(o, out);
        }
    }
}

static void print_examples(const struct cz_command *command, FILE *out)
{
    char line[CZ_HELP_EXAMPLE], comment[CZ_HELP_EXAMPLE];
    fputs(".SH EXAMPLES\n", out);
    for (int i = 0; cz_help_example(command, i, line, comment); i++) {
        fputs(".TP\n\\fB", out);
        print_text(line, out);
        fputs("\\fR\n", out);
        print_text(comment, out);
        fputc('\n', out);
    }
}

static void print_exit_codes(FILE *out)
{
    static const char *const codes[][2] = {
        {"0", "done; where something was asked, the answer is yes"},
        {"1", "the answer is no: a check failed, outputs differ"},
        {"2", "the command line or a settings file is wrong; nothing was touched"},
        {"3", "done, some inputs were skipped and listed"},
        {"4", "the content of an input is bad or does not fit"},
        {"5", "sound, but not supported here"},
        {"6", "the system refused: no file, permission, disk"},
        {"7", "not enough memory, or over a limit"},
        {"8", "NaN or Inf in training or in an output"},
        {"70", "our mistake: please report it"},
        {"129, 130, 141, 143", "ended by SIGHUP, SIGINT, SIGPIPE, SIGTERM after cleaning up"},
    };
    fputs(".SH EXIT STATUS\n", out);
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        fprintf(out, ".TP\n\\fB%s\\fR\n%s\n", codes[i][0], codes[i][1]);
}

/* "zoo list" is the page convzoo-zoo-list. */
static char *page_of(const struct cz_command *command, char *buf, size_t size)
{
    snprintf(buf, size, "convzoo-%s", command->name);
    for (char *c = buf; *c; c++)
        if (*c == ' ')
            *c = '-';
    return buf;
}

static void print_command(const struct cz_command *command, FILE *out)
{
    char name[64];
    print_head(page_of(command, name, sizeof name), 1, command->summary, out);
    fprintf(out, ".SH SYNOPSIS\n\\fBconvzoo %s\\fR ", command->name);
    print_text(command->operands, out);
    fprintf(out, "%s[options]\n.SH DESCRIPTION\n", command->operands[0] ? " " : "");
    print_line(NULL, command->about, out);
    print_options(command, out);
    print_examples(command, out);
    if (command->notes[0]) {
        char note[CZ_HELP_NOTE];
        fputs(".SH NOTES\n", out);
        for (int i = 0; cz_help_note(command, i, note, sizeof note); i++) {
            if (i > 0)
                fputs(".br\n", out);
            print_line(NULL, note, out);
        }
    }
    fputs(".SH SEE ALSO\n\\fBconvzoo\\fR(1), \\fBconvzoo\\-formats\\fR(5)\n", out);
}

static void print_main(FILE *out)
{
    print_head("convzoo", 1, "run, time and fine-tune image classification networks on the CPU", out);
    fputs(".SH SYNOPSIS\n\\fBconvzoo\\fR \\fICOMMAND\\fR [options] operands\n.SH DESCRIPTION\n", out);
    print_line(NULL,
               "Data goes to standard output, everything else to standard error. Files appear only where an "
               "option says. "
               "Nothing that exists is replaced without `--force`, and a file's final name only ever holds "
               "the whole "
               "file. A MODEL is a file if it has a `/` or ends in `.onnx`, else a network of the zoo, NAME "
               "or NAME:TAG.",
               out);
    fputs(".PP\n", out);
    print_line(NULL,
               "Options may stand anywhere, as `--name VALUE` or `--name=VALUE`, and cannot be shortened; "
               "`--` ends them. "
               "A switch is `--name` or `--name=yes|no`. The last of several holds unless an option may be "
               "repeated. "
               "Short forms are `-h`, `-V`, `-q`, `-v` and `-o FILE`. Sizes are written 512M or 2G, times "
               "90s, 10m or 2h.",
               out);
    fputs(".SH COMMANDS\n", out);
    for (int i = 0; i < cz_command_count(); i++) {
        const struct cz_command *c = cz_command_at(i);
        char name[64];
        if (c->group == CZ_HIDDEN)
            continue;
        fputs(".TP\n\\fB", out);
        print_text(page_of(c, name, sizeof name), out);
        fputs("\\fR(1)\n", out);
        print_line(NULL, c->summary, out);
    }
    fputs(".SH COMMON OPTIONS\n", out);
    for (int i = 0; i < cz_option_count(); i++) {
        const struct cz_option *o = cz_option_at(i);
        int shown = 0;
        for (int c = 0; c < cz_command_count() && !o->group; c++)
            shown |= is_shown(o, cz_command_at(c));
        if (shown)
            print_option(o, out);
    }
    fputs(".SH ENVIRONMENT\n", out);
    print_line(NULL,
               "`CONVZOO_THREADS`, `CONVZOO_ISA`, `CONVZOO_GEMM`, `CONVZOO_COLOR` and `CONVZOO_CACHE` stand "
               "for the options "
               "of these names; the command line is stronger, a `--config` file and the user's own weaker. "
               "`NO_COLOR`, "
               "`CLICOLOR_FORCE` and `FORCE_COLOR` are heeded where neither says anything about colours.",
               out);
    print_exit_codes(out);
    fputs(".SH FILES\n.TP\n\\fI$XDG_CONFIG_HOME/convzoo/config.json\\fR\nthreads, color and cache\n"
          ".TP\n\\fI$XDG_CACHE_HOME/convzoo/\\fR\nwhat can be made again\n"
          ".SH SEE ALSO\n\\fBconvzoo\\-formats\\fR(5)\n",
          out);
}

static void print_formats(FILE *out)
{
    print_head("convzoo-formats", 5, "what convzoo reads and writes", out);
#define SECTION(title) print_line(".SH", title, out);
#define TEXT(paragraph) print_line(NULL, paragraph, out);
#define ITEM(term, text)                                                                                     \
    print_line(".TP\n.B", term, out);                                                                        \
    print_line(NULL, text, out);
#include "cli/formats.def"
#undef SECTION
#undef TEXT
#undef ITEM
    fputs(".SH SEE ALSO\n\\fBconvzoo\\fR(1)\n", out);
}

const char *cz_man_page(int index, char *buf, size_t size)
{
    static const char *const fixed[] = {"convzoo.1", "convzoo-formats.5"};
    if (index < 2)
        return fixed[index];
    for (int i = 0, n = 2; i < cz_command_count(); i++) {
        char name[64];
        if (cz_command_at(i)->group == CZ_HIDDEN || n++ != index)
            continue;
        snprintf(buf, size, "%s.1", page_of(cz_command_at(i), name, sizeof name));
        return buf;
    }
    return NULL;
}

int cz_man_print(const char *page, FILE *out)
{
    if (strcmp(page, "convzoo.1") == 0) {
        print_main(out);
        return 0;
    }
    if (strcmp(page, "convzoo-formats.5") == 0) {
        print_formats(out);
        return 0;
    }
    for (int i = 0; i < cz_command_count(); i++) {
        char name[64], file[80];
        snprintf(file, sizeof file, "%s.1", page_of(cz_command_at(i), name, sizeof name));
        if (cz_command_at(i)->group == CZ_HIDDEN || strcmp(page, file) != 0)
            continue;
        print_command(cz_command_at(i), out);
        return 0;
    }
    return 1;
}
