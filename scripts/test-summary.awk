# Reads the log of `ctest --verbose` and counts tests, not programs.
#
# CTest knows one result per program, and a cmocka program whose cases were all skipped is "Passed" to it. So cmocka's
# own lines are counted where there are any, and the program as one test where there are none (scripts, crashes).
#
# Output: a line "failed NAME" or "skipped NAME" for each (NAME is PROGRAM or PROGRAM.CASE), then the plain line
# "N passed, N failed, N skipped".

# "12: text" is output of test 12; cmocka's lines follow the prefix.
match($0, /^[0-9]+: /) {
    id = substr($0, 1, RLENGTH - 2)
    text = substr($0, RLENGTH + 1)
    if (text ~ /^\[==========\] [0-9]+ test\(s\) run/) {
        is_cmocka[id] = 1
    } else if (text ~ /^\[  PASSED  \] [0-9]+ test\(s\)/) {
        case_passed[id] += number_in(text)
    } else if (text ~ /^\[  (FAILED |SKIPPED) \] [0-9]+ test\(s\), listed/) {
        # the names follow, and came before
    } else if (text ~ /^\[  SKIPPED \] /) {
        add_case(skipped_cases, id, substr(text, 14))
    } else if (text ~ /^\[  FAILED  \] /) {
        add_case(failed_cases, id, substr(text, 14))
    }
    next
}

# " 3/12 Test  #3: name ....***Failed   0.01 sec"
/^ *[0-9]+\/[0-9]+ Test +#[0-9]+: / {
    match($0, /#[0-9]+: /)
    id = substr($0, RSTART + 1, RLENGTH - 3)
    rest = substr($0, RSTART + RLENGTH)
    program = rest
    sub(/ .*/, "", program)
    finish(id, program, rest)
}

END {
    printf "%d passed, %d failed, %d skipped\n", passed, failed, skipped
}

function number_in(text)
{
    match(text, /[0-9]+/)
    return substr(text, RSTART, RLENGTH) + 0
}

# Keeps names apart by newlines; cmocka says each name twice, when it happens and in its list.
function add_case(list, id, name)
{
    if (index("\n" list[id], "\n" name "\n") == 0)
        list[id] = list[id] name "\n"
}

function report(kind, program, list,    names, n, i)
{
    n = split(list, names, "\n")
    for (i = 1; i < n; i++)
        print kind, program "." names[i]
    return n > 0 ? n - 1 : 0
}

function finish(id, program, rest,    n_failed)
{
    if (rest ~ /\*\*\*Skipped/) {
        print "skipped", program
        skipped++
        return
    }
    n_failed = report("failed", program, failed_cases[id])
    if (rest !~ / Passed +[0-9.]+ sec/ && n_failed == 0) { # a crash, a leak, a time-out
        print "failed", program
        n_failed = 1
    }
    failed += n_failed
    skipped += report("skipped", program, skipped_cases[id])
    if (is_cmocka[id])
        passed += case_passed[id]
    else if (n_failed == 0)
        passed++
}
