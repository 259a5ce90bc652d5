# bash completion for convzoo. It asks the program itself, so it offers what the installed version knows;
# where that is nothing, bash completes file names.
_convzoo()
{
    local line
    COMPREPLY=()
    while IFS= read -r line; do
        COMPREPLY+=("${line%%$'\t'*}")
    done < <("${COMP_WORDS[0]}" __complete "$((COMP_CWORD - 1))" -- "${COMP_WORDS[@]:1}" 2>/dev/null)
}
complete -o bashdefault -o default -F _convzoo convzoo
