#compdef convzoo
# zsh completion for convzoo. It asks the program itself, so it offers what the installed version knows;
# where that is nothing, zsh completes file names.
_convzoo()
{
    local -a lines
    lines=("${(@f)$("${words[1]}" __complete "$((CURRENT - 2))" -- "${(@)words[2,-1]}" 2>/dev/null)}")
    if [[ -z "${lines[1]}" ]]; then
        _files
        return
    fi
    lines=("${(@)lines//:/\\:}")
    lines=("${(@)lines/$'\t'/:}")
    _describe -V convzoo lines
}
if [[ "${funcstack[1]}" = _convzoo ]]; then
    _convzoo "$@"
else
    compdef _convzoo convzoo
fi
