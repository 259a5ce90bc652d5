# fish completion for convzoo. It asks the program itself, so it offers what the installed version knows;
# fish adds file names.
function __convzoo_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l program $words[1]
    set -e words[1]
    $program __complete (count $words) -- $words $current 2>/dev/null
end
complete -c convzoo -a '(__convzoo_complete)'
